// English texts. Both languages have the same keys; a test compares them.
export default {
  "skip": "Skip to content", "all": "All", "more": "More", "save": "Save", "cancel": "Cancel", "retry": "Try again", "refresh": "Refresh",
  "loading": "Loading …", "dismiss": "Dismiss", "close": "Close", "language": "Language", "panels": "Panels",
  "appearance": "Appearance: {now}", "appearance.system": "as the system", "appearance.light": "light", "appearance.dark": "dark",

  "nav.label": "Views", "nav.recordings": "Recordings", "nav.samples": "Samples", "nav.search": "Words", "nav.jobs": "Jobs",
  "nav.searchHint": "Search what was said", "nav.searchLabel": "Search what was said",

  "who.title": "Who calls", "who.key": "Key or token", "who.keyHint": "An API key (hb_…) or a token of your issuer. It determines tenant and environment.",
  "who.context": "Without a key", "who.tenant": "Tenant", "who.env": "Environment", "who.user": "User (optional)",
  "who.contextHint": "For a service on this machine, or behind a proxy. 1 to 128 of A-Z a-z 0-9 . _ : -",
  "who.remember": "Remember in this browser", "who.use": "Use", "who.forget": "Forget the key", "who.signedIn": "Signed in",

  "drop.title": "Drop audio or video here", "drop.hint": "Files and folders of any size. A broken connection is continued.",
  "drop.files": "Choose files", "drop.folder": "Choose a folder",
  "recordings.title": "Recordings", "recordings.none": "No recordings yet. Drop a file above.", "recordings.tag": "Tag",
  "asset.video": "Video", "asset.audio": "Audio", "asset.image": "Image", "asset.other": "Other",

  "column.name": "Name", "column.kind": "Kind", "column.length": "Length", "column.size": "Size", "column.made": "Added", "column.tags": "Tags",
  "column.work": "Work", "column.state": "State", "column.stage": "Stage", "column.actions": "Actions", "column.at": "At", "column.source": "Source",
  "column.label": "Label", "column.start": "Start", "column.what": "What", "column.value": "Measured", "column.choose": "Choose",
  "column.listen": "Listen", "column.score": "Score", "column.from": "From",

  "task.list": "Work under way", "task.upload": "Upload {name}", "task.uploading": "Uploading", "task.reconnecting": "Waiting for the connection; continues by itself",
  "task.analyse": "Analyse {name}", "task.samples": "Find samples in {name}", "task.film": "Film: {name}", "task.queued": "Queued, {position} ahead",
  "task.waiting": "Queued", "task.running": "Working", "task.done": "Done", "task.cancelled": "Cancelled",
  "stage.waiting": "Waiting for a worker", "stage.reading": "Reading", "stage.decoding": "Decoding", "stage.analysing": "Analysing the signal", "stage.transcribing": "Transcribing words",
  "stage.detecting": "Detecting samples", "stage.cutting": "Cutting samples", "stage.rendering": "Rendering", "stage.mixing": "Mixing", "stage.joining": "Joining the pieces",
  "jobs.none": "No jobs.", "job.queued": "Queued", "job.running": "Running", "job.succeeded": "Done", "job.failed": "Failed", "job.cancelled": "Cancelled",

  "recording.analyse": "Analyse", "recording.analyseAgain": "Analyse again", "recording.findSamples": "Find hits and loops",
  "recording.notAnalysed": "Not analysed yet.", "recording.noLength": "The length of this file is unknown.", "recording.stub": "placeholder analysis", "recording.corrected": "corrected",

  "player.title": "Player", "player.play": "Play", "player.pause": "Pause", "player.start": "To the start", "player.frameBack": "A frame back", "player.frameOn": "A frame on",
  "player.time": "Position", "player.loop": "Loop the window", "player.clear": "Clear the window", "player.in": "Window starts here", "player.out": "Window ends here",
  "player.inShort": "In", "player.outShort": "Out", "player.rate": "Speed", "player.volume": "Volume",
  "player.unplayable": "This browser cannot play the file. The analysis, samples and exports work; a film or render of it plays.",

  "timeline.title": "Timeline", "timeline.position": "Position on the timeline", "timeline.in": "Zoom in", "timeline.out": "Zoom out", "timeline.fit": "Whole", "timeline.scroll": "Scroll the timeline",
  "timeline.keys": "Arrow keys move by frames, plus and minus zoom, N and B select the next and previous item, question mark lists all keys.",
  "lane.wave": "Waveform", "lane.kinds": "Kinds", "lane.speakers": "Speakers", "lane.words": "Words", "lane.beats": "Beats", "lane.loudness": "Loudness", "lane.hits": "Hits", "lane.loops": "Loops",
  "kind.speech": "Speech", "kind.music": "Music", "kind.silence": "Silence", "kind.other": "Other", "kind.sung": "sung", "background.music": "over music",
  "type.event": "Event", "type.word": "Word", "type.beat": "Beat", "type.hit": "Hit", "type.loop": "Loop", "type.phrase": "Phrase", "type.turn": "Speaker",
  "item.hit": "hit", "item.loopOfOne": "1 bar, {bpm} BPM", "item.loop": "{bars} bars, {bpm} BPM", "item.beat": "bar {bar}, beat {beat}", "timing.measured": "measured", "timing.interpolated": "interpolated", "timing.corrected": "corrected",

  "inspector.title": "Selection", "inspector.none": "Click a word, beat, hit or event to play it; drag to mark a window.",
  "inspector.play": "Play", "inspector.loop": "Loop", "inspector.copy": "Copy link", "inspector.copied": "Copied",
  "corrections.title": "Corrections", "corrections.saving": "Saving …", "corrections.kind": "Kind", "corrections.split": "Split at the playhead", "corrections.merge": "Merge with the next",
  "corrections.speaker": "Speaker", "corrections.word": "Word", "corrections.set": "Set", "corrections.removeWord": "Remove", "corrections.halfEarlier": "Grid half a beat earlier",
  "corrections.halfLater": "Grid half a beat later", "corrections.double": "Double tempo", "corrections.halve": "Half tempo", "corrections.undo": "Undo correction {revision}",

  "panel.words": "Words", "panel.tables": "Tables", "panel.make": "Make", "panel.edit": "Edit", "panel.export": "Export", "panel.lineage": "Lineage",
  "words.none": "No words: nothing was said, or the service has no speech model.", "words.playFrom": "Play from {time}",
  "table.choose": "Lane", "table.event": "Events", "table.word": "Words", "table.beat": "Beats", "table.hit": "Hits", "table.loop": "Loops", "table.turn": "Speakers",
  "table.play": "Play {label} at {time}", "table.earlier": "Earlier", "table.later": "Later", "table.here": "At the playhead", "table.rows": "{from} to {to} of {all}",

  "make.none": "Pads and patterns need samples.", "make.pads": "Pads", "make.pattern": "Pattern", "make.template": "Template", "make.bpm": "Tempo (BPM)",
  "make.swing": "Swing (%)", "make.bars": "Bars", "make.grid": "Step grid", "make.step": "{role}, step {step}", "make.role": "Sample of {role}", "make.silent": "silent", "make.play": "Play the pattern",
  "make.stop": "Stop", "make.render": "Render the sound", "make.rendering": "Render the pattern", "make.shots": "Make the film", "make.filmOf": "{template} from {name}", "make.openSound": "Open the sound",
  "make.lowered": "lowered by {db} dB to the ceiling of −1 dBTP", "make.templatesOnly": "A changed grid becomes a film, whose sound it is; only unchanged templates are rendered as sound alone.",

  "edits.silence": "Remove silence", "edits.silenceOf": "{name} without silence", "edits.minSilence": "Silences from (ms)", "edits.margin": "Margin (ms)", "edits.fillers": "Remove fillers (um, äh, …) too",
  "edits.supercut": "Supercut of a phrase", "edits.phrase": "Word or phrase", "edits.padding": "Padding (ms)", "edits.toMusic": "Cut to music", "edits.musicHint": "This recording, cut at the beats of the music.",
  "edits.chooseMusic": "Choose the music (now: this recording)", "edits.music": "Music", "edits.every": "Cut at each", "edits.order": "Order", "edits.make": "Make the edit",
  "every.beat": "beat", "every.2beats": "second beat", "every.bar": "bar", "every.2bars": "second bar", "order.given": "as recorded", "order.shuffled": "shuffled", "order.energy": "by energy",

  "shots.summary": "{count} shots, {length}", "shots.preview": "Preview", "shots.profile": "Profile", "shots.fit": "Frame", "fit.contain": "whole frame", "fit.cover": "fill the frame",
  "shots.film": "Make the film", "shots.filming": "The film is being made; see the work under way.", "shots.open": "Open the film", "shots.list": "Shots", "shots.more": "{count} more shots are in the exports.",

  "exports.recording": "Recording", "exports.original": "Original file", "exports.copyLink": "Copy a link (7 days)", "exports.copied": "A link that expires in 7 days is on the clipboard.",
  "exports.samples": "{count} samples as ZIP", "exports.words": "Words", "exports.timeline": "Timeline", "exports.toEditor": "To an editor", "exports.link": "Link", "exports.linkTo": "Copy a link to {format}",
  "exports.saveAs": "Save {format}", "exports.losses": "{count} things that this format cannot hold", "exports.whole": "Nothing was lost.", "exports.preview": "Show captions over the video", "exports.captions": "Captions",
  "format.otio": "Resolve, Premiere Pro, OpenTimelineIO", "format.fcpxml": "Final Cut Pro, Resolve", "format.fcp7xml": "Premiere Pro, Resolve, Avid", "format.edl": "CMX 3600, every editor", "format.csv": "spreadsheets",
  "format.markers-edl": "Resolve timeline markers", "format.markers-csv": "Reaper regions and markers", "format.audition-csv": "Audition markers", "format.audacity": "Audacity labels",
  "format.midi": "tempo map and click: Live, Logic", "format.chapters": "Podcasting 2.0 chapters", "format.ffmetadata": "ffmpeg chapters", "format.jams": "mir_eval, librosa", "format.rttm": "who speaks when: pyannote",
  "format.ctm": "words: sclite", "format.textgrid": "Praat, ELAN", "format.words.srt": "SubRip captions", "format.words.vtt": "WebVTT captions", "format.words.ttml": "TTML captions", "format.words.ass": "karaoke captions",
  "format.words.txt": "plain text", "format.words.json": "words with times", "format.words.openai-json": "OpenAI verbose JSON", "format.words.podcast-transcript": "Podcasting 2.0 transcript",

  "lineage.from": "Made of", "lineage.original": "A recording of its own: it was not made here.", "lineage.uses": "Used by", "lineage.usesHint": "Of the marked window; without one, of the whole recording without single hits.",
  "lineage.unused": "Not used yet.", "lineage.made": "Made of this recording", "lineage.nothing": "Nothing yet.",

  "samples.none": "No samples meet these conditions. Find hits and loops in a recording first.", "samples.role": "Role", "samples.bpmMin": "BPM from", "samples.bpmMax": "BPM to", "samples.key": "Key", "samples.text": "Words",
  "samples.minScore": "Score from", "samples.tag": "Tag of the recording", "samples.sort": "Order", "samples.bars": "{count} bars", "samples.play": "Play {label}", "samples.choose": "Choose {label}",
  "samples.similar": "Similar", "samples.similarTo": "Similar to {label}", "samples.similarShown": "Similar samples, the nearest first.", "samples.all": "Show all",
  "sample.audio_hit": "Hits", "sample.audio_loop": "Loops", "sample.audio_phrase": "Phrases", "role.kick": "kick", "role.snare": "snare", "role.hat": "hat", "role.tom": "tom", "role.clap": "clap", "role.other": "other",
  "sort.newest": "newest", "sort.score": "score", "sort.bpm": "tempo", "sort.duration": "length",

  "search.title": "Words", "search.go": "Search", "search.hint": "Words in any form; \"a phrase\" exactly; begin* by its start.", "search.none": "“{q}” was not found in what was said.",
  "search.supercut": "Supercut of all places", "search.supercutOf": "Supercut of “{q}”",

  "help.title": "Keys", "help.anywhere": "Everywhere", "help.player": "Player", "help.timeline": "Timeline", "help.pads": "Pads (panel Make)", "help.search": "search words", "help.leave": "leave a field or dialog",
  "help.toggle": "play or pause", "help.shuttle": "backwards, pause, forwards; again: faster", "help.frame": "a frame back or on", "help.second": "a second back or on", "help.ends": "to the start or end",
  "help.marks": "window starts or ends here", "help.loop": "loop the window, or not", "help.clear": "clear window and selection", "help.zoom": "zoom in or out", "help.fit": "show the whole recording",
  "help.pan": "earlier or later", "help.next": "next or previous item of the lane", "help.playItem": "play the selection", "help.copy": "copy a link to the selection", "help.padKeys": "play the pads",

  "error.offline": "The service cannot be reached", "error.unreadable": "The answer {status} is not of this service",
  "remedy.offline": "Check the connection, and whether the service runs.", "remedy.unauthorized": "Enter a key or token.", "remedy.scope_insufficient": "Use a key of a higher scope.",
  "remedy.link_invalid": "Reload the page for a new link.", "remedy.invalid_context": "Choose a tenant and an environment.", "remedy.no_audio_stream": "Use a file with audio.",
  "remedy.undecodable_media": "Use another file.", "remedy.queue_full": "Try again in a moment.", "remedy.busy": "Try again in a moment.", "remedy.storage_full": "The operator has to free space.",
  "remedy.upload_too_large": "Use a smaller file, or have the operator register it in place.", "remedy.too_many_uploads": "Finish or cancel other uploads.", "remedy.semantics_required": "Analyse the recording first.",
  "remedy.words_not_found": "Analyse the recording with a speech model.", "remedy.phrase_not_found": "Try another spelling.", "remedy.beats_required": "Choose music with a beat.", "remedy.sources_too_short": "Cut less often.",
  "remedy.asset_not_found": "Check tenant and environment.", "remedy.decoder_unavailable": "The operator has to install ffmpeg.", "remedy.renderer_unavailable": "The operator has to install ffmpeg.",
  "remedy.stale_base_version": "Another correction was stored meanwhile: load it, and correct again.", "remedy.too_many_jobs": "Try again later.", "remedy.empty_edit": "Choose longer silences.", "remedy.host_not_allowed": "Open the page by its usual name.",
};
