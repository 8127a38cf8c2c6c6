# Renders the answer of GET /audio/semantic-timeline/… for a terminal: facts, a strip, one line an event.

def pad($width): tostring | (" " * ([$width - length, 0] | max)) + .;
def fixed($digits): (. * pow(10; $digits) | round) as $n
  | ($n | fabs | tostring | if length <= $digits then "0" * ($digits + 1 - length) + . else . end) as $text
  | (if $n < 0 then "-" else "" end) + $text[:-$digits] + "." + $text[-$digits:];
def two: tostring | if length < 2 then "0" + . else . end;
# 83456 → "1:23.456"
def clock: (. / 60000 | floor) as $minutes
  | ((. % 60000 / 1000) | fixed(3)) as $seconds
  | "\($minutes):\(if $seconds | length < 6 then "0" + $seconds else $seconds end)";

.summary
| {"speech": "▓", "music": "♪", "silence": "·", "other": "~"} as $signs
| 72 as $width
| .duration_ms as $duration
| .events as $events
# One sign a cell: what holds at the middle of it.
| ([range($width) | ((. + 0.5) * $duration / $width) as $time
    | first($events[] | select(.start_ms <= $time and $time < .end_ms) | $signs[.kind]) // " "] | join("")) as $strip
| ([ "\($duration | clock) long",
     (.meta.integrated_lufs | select(.) | "\(fixed(1)) LUFS"),
     (.meta.tempo_bpm | select(.) | "\(fixed(1)) BPM"),
     "\(.beats | length) beats" ] | join(", ")),
  "",
  $strip,
  "0:00" + " " * ($width - 4 - ($duration | clock | length)) + ($duration | clock),
  ($signs | to_entries | map("\(.value) \(.key)") | join("   ")),
  "",
  ($events[:30][]
    | "\(.start_ms | clock | pad(9)) – \(.end_ms | clock | pad(9))  \($signs[.kind]) \(.kind)\(" " * (8 - (.kind | length)))"
      + (if .loudness_lufs then "\(.loudness_lufs | fixed(1) | pad(6)) LUFS" else "           " end)
      + (if .confidence then "  \(.confidence * 100 | round | pad(3)) %" else "" end)
      + (if .transcription then "  “\(.transcription)”" else "" end)),
  ($events[30:] | select(length > 0) | "… and \(length) more events")
