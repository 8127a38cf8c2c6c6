"""Real recordings out of Debian packages, parted by package: one half to train on, the other to report on.

    mkdir debs packages
    (cd debs && apt-get download $(python3 tools/scene/recordings.py))
    for deb in debs/*.deb; do name=${deb##*/}; dpkg -x "$deb" "packages/${name%%_*}"; done

Nothing is installed, and no recording is part of this repository: only the weights trained on the first half are. All
packages are in Debian 12's main, so under free licences: each package's copyright file has its own. One package,
gcompris-qt-data, lends instruments to the first half and farm animals to the second.
"""

import functools
import pathlib
import re
import subprocess

import numpy as np

RATE = 16_000
# TRAIN: further packages, for the scene net only.
FIT, TRAIN, REPORT = "fit", "train", "report"
NO_SPEECH = re.compile(r"tone|beep|silence|monkeys|tt-somethingwrong|ascending|descending|confbridge-(join|leave)"
                       r"|letters|phonetic|digits")  # fmt: skip
ASTERISK = "usr/share/asterisk/sounds/*/**/*.g722"
TUXPAINT = "usr/share/tuxpaint/stamps/**/*.ogg"
# Languages of klettres-data, one voice each.
LETTERS = "ar cs da de en en_GB es fr he hu it lt ml nb nds nl pt_BR ru tn uk".split()
INSTRUMENTS = {"bassoon", "cello", "violin", "drumkit"}
MACHINES = {"firetruck", "vacuum_cleaner", "Washing-machine", "toilet", "kettle", "hammer", "saw", "glass",
            "camera_35mm", "fireworks", "lightningbolt", "scissors_small_open", "mallet_metal"}  # fmt: skip
# Tuxpaint's stamps that speak, sing, chime, or are ambiguous.
UNCLEAR = {"checkeredflag", "no_uturn", "xing_ped", "xing_school", "final-roll-call", "santahat", "ghost", "blackcat",
           "bathyscape", "gift", "cymbal_crash", "drum_tomtom_floor", "cuckoo", "dreydl-hay", "dreydl-nun",
           "dreydl-shin", "dreydl-gimmel", "pig_golden", "pig_golden2", "xanthia", "apple_red", "hard_candy",
           "apollo_lander", "spider"}  # fmt: skip
OPENARENA = set("""drops x_ancientsdrone x_drowning painwind22k cf_distant01 x_rumbledrone tim_machine kam_explode_far
    kam_explode rg_hum fire2 firesoft fire1 lava_amb_01_quiet wind1 cf_blubber01 demonwind01 growl1 wind2 lg_hum growl2
    growl3 rockfly suck1 drone6 pt1_end dr1_end wvulwind rocklf1a railgf1a plasmx1a monitor_02 fan4 machinerydrone01
    fstrun rocklx1a machinerydrone02 dr1_strt vulcanf1b""".split())
WESNOTH = {
    "ambience": "ship campfire rumble lightning cave-in fuse explosion dragonstick thunderstick torch melee-fire "
    "water-blast",
    "birds": "night morning birds1 birds2 birds3",
    "growls": "gryphon-shriek-1 gryphon-shriek-2 yeti-die drake-die wolf-die-2 gryphon-die-1 tusker-die wose-die "
    "wolf-growl-1 wolf-growl-2 hiss-big",
    "effects": "potion gold horse-elf-canter bat-flapping",
}
HEDGEWARS = set("""minigun bee beewater plane landgun cake2 molotov ice_beam rcplane mortar flamethrower shotgunfire
    blowtorch drillgun hammer steam planewater ufo""".split())

# Sound effects that speak, sing or play a tune, or are too synthetic to be called a recording of anything.
NOT_NOISE = re.compile(r"music|theme|jingle|tune|melod|song|voice|speech|say|talk|laugh|taunt|fanfare|win|lose|lost|victory|"
                       r"success|fail|gameover|game_over|level|bonus|coin|gem|orb|pickup|beep|chime|harp|piano|guitar|drum|"
                       r"flute|orchestr|choir|tada|mix\d|menu|intro|title|loop_|start|record|ready|over|attention|select|"
                       r"acknowledge|greeting|goal|birdie|eagle|player|seen-|heal|teleport|magic|spell|yes|attack|fight|"
                       r"scream|prince|ack\d|_ack|ogg_|move|order|hail|horn-signals|story|narrat|powerup|power_up|extra|invincib", re.I)  # fmt: skip
NOISE = lambda p: not NOT_NOISE.search("/".join(p.parts[-3:]))
TUNES = lambda p: p.stat().st_size > 1.5e5
AUDIO = "*.[owmW][gapA][gv3V]"
# Packages whose sound effects are recordings, and the folders these are in.
EFFECTS = {
    "lincity-ng-data": "lincity-ng/sounds/**", "searchandrescue-data": "searchandrescue/sounds/**",
    "scorched3d-data": "scorched3d/data/globalmods/**", "freedroidrpg-data": "freedroidrpg/data/sound/effects/*",
    "hyperrogue-music": "hyperrogue/sounds/**", "neverball-common": "neverball/snd/*", "trackballs-data": "trackballs/sfx/**",
    "warmux-data": "warmux/sound/default/**", "endless-sky-data": "endless-sky/sounds/**", "csmash-data": "csmash/wav/**",
    "dustracing2d-data": "dustracing2d/sounds/**", "gl-117-data": "gl-117/sounds/**", "supertux-data": "supertux2/sounds/**",
    "supertuxkart-data": "supertuxkart/data/sfx/**", "0ad-data": "0ad/**", "megaglest-data": "megaglest/**",
    "minetest-mod-homedecor": "minetest/**", "minetest-mod-mobs-redo": "minetest/**", "minetest-mod-nether": "minetest/**",
    "bucklespring-data": "bucklespring/**", "micropolis-data": "micropolis/**", "netpanzer-data": "netpanzer/sound/**",
    "bzflag-data": "bzflag/**", "unknown-horizons": "unknown-horizons/**", "widelands-data": "widelands/**",
    "openclonk-data": "openclonk/**", "boswars-data": "boswars/**",
    "freedink-data": "dink/**", "brainparty-data": "brainparty/**", "epiphany-data": "epiphany/**",
    "trigger-rally-data": "trigger-rally/**", "sonic-pi-samples": "sonic-pi/**/ambi_*",
    "torcs-data": "torcs/data/sound/**", "colobot-common-sounds": "colobot/sounds/**",
    "foobillardplus-data": "foobillardplus/data/**",
}  # fmt: skip
# Packages with music, and the folders it is in.
MUSIC = {
    "hyperrogue-music": "hyperrogue/music/**", "trackballs-data": "trackballs/music/**",
    "neverball-common": "neverball/bgm/**", "davegnukem-data": "davegnukem/music/**", "lordsawar-data": "lordsawar/music/**",
    "zaz-data": "zaz/**", "xblast-tnt-musics": "xblast-tnt/**", "fretsonfire-songs-muldjord": "fretsonfire/**",
    "fretsonfire-songs-sectoid": "fretsonfire/**", "drascula-music": "scummvm/**", "frozen-bubble-data": "frozen-bubble/**",
    "singularity-music": "singularity/**", "amoebax-data": "amoebax/music/**",
    "asc-music": "asc/**", "planetblupi-music-ogg": "planetblupi/**", "supertux-data": "supertux2/music/**",
    "supertuxkart-data": "supertuxkart/data/music/**", "0ad-data": "0ad/**/music/**", "megaglest-data": "megaglest/**/music/**",
    "searchandrescue-data": "searchandrescue/music/**", "widelands-data": "widelands/data/music/**",
    "unknown-horizons": "unknown-horizons/**/music/**", "warmux-data": "warmux/music/**", "gunroar-data": "gunroar/**/musics/**",
    "torus-trooper-data": "torus-trooper/**/musics/**", "endless-sky-data": "endless-sky/sounds/ambient/**",
    "glob2-data": "glob2/**", "freedink-data": "dink/**/music/**", "gamine-data": "gamine/**", "boswars-data": "boswars/**/music/**",
    "adonthell-data": "adonthell/**", "trigger-rally-data": "trigger-rally/**/music/**", "openclonk-data": "openclonk/**/*usic*/**",
    "colobot-common-sounds": "colobot/music/**", "torcs-data": "torcs/data/music/**",
}  # fmt: skip

# half, kind, type, package, files, which of them
SOURCES = [
    *((TRAIN, "other", package, package, f"usr/share/**/{folder}/{AUDIO}", NOISE) for package, folder in EFFECTS.items()),
    *((TRAIN, "music", package, package, f"usr/share/**/{folder}/{AUDIO}", TUNES) for package, folder in MUSIC.items()),
    *((TRAIN, "music", package, package, f"usr/share/**/{name}.pk3", TUNES)
      for package, name in {"ufoai-music": "*music*", "nexuiz-music": "*"}.items()),
    (TRAIN, "other", "ufoai", "ufoai-sound", "usr/share/**/0snd.pk3", NOISE),
    *((TRAIN, "words", f"klettres-{l}", "klettres-data", f"usr/share/klettres/{l}/*/*.ogg", None) for l in LETTERS),
    (TRAIN, "words", "tuxpaint-words", "tuxpaint-stamps-default", TUXPAINT, lambda p: "desc" in p.name),
    (TRAIN, "words", "ktuberling", "ktuberling-data", "usr/share/**/sounds/*/*.[ow][ga][gv]", None),
    *((FIT, "speech", f"asterisk-{l}", f"asterisk-core-sounds-{l}-g722", ASTERISK, lambda p: not NO_SPEECH.search(str(p)))
      for l in ("en", "it")),
    *((REPORT, "speech", f"asterisk-{l}", f"asterisk-core-sounds-{l}-g722", ASTERISK, lambda p: not NO_SPEECH.search(str(p)))
      for l in ("es", "fr", "ru")),
    (FIT, "music", "wesnoth", "wesnoth-1.16-music", "usr/share/games/**/music/*.ogg", lambda p: p.stat().st_size > 3e5),
    (FIT, "music", "freedroid", "freedroidrpg-data", "usr/share/**/sound/music/*.ogg", lambda p: "Ambience" not in p.name),
    (FIT, "music", "world-music", "gcompris-qt-data", "usr/share/**/explore_world_music.rcc", None),
    (FIT, "music", "instruments", "gcompris-qt-data", "usr/share/**/instruments.rcc", None),
    (FIT, "music", "tux-instruments", "tuxpaint-stamps-default", TUXPAINT, lambda p: p.stem in INSTRUMENTS),
    (FIT, "other", "machines", "tuxpaint-stamps-default", TUXPAINT, lambda p: p.stem in MACHINES),
    (FIT, "other", "animals", "tuxpaint-stamps-default", TUXPAINT,
     lambda p: "desc" not in p.name and "symbols" not in str(p) and p.stem not in INSTRUMENTS | MACHINES | UNCLEAR),
    (FIT, "other", "game-ambience", "openarena-data", "usr/share/**/*.pk3", lambda p: p.stem in OPENARENA),
    (REPORT, "music", "etr", "extremetuxracer-data", "usr/share/games/etr/music/*.ogg", lambda p: p.stat().st_size > 3e5),
    (REPORT, "music", "hedgewars", "hedgewars-data", "usr/share/games/hedgewars/Data/Music/*.ogg", None),
    (REPORT, "music", "moh", "asterisk-moh-opsound-wav", "usr/share/asterisk/moh/*.wav", None),
    (REPORT, "music", "warzone", "warzone2100-music", "usr/share/**/*.opus", None),
    *((REPORT, "other", kind, "wesnoth-1.16-data", "usr/share/games/**/core/sounds/**/*.[ow]*",
       lambda p, names=set(names.split()): p.stem in names) for kind, names in WESNOTH.items()),
    (REPORT, "music", "naev", "naev-data", "usr/share/naev/dat/snd/music/*.ogg", lambda p: p.stat().st_size > 1e6),
    (REPORT, "music", "lugaru", "lugaru-data", "usr/share/games/lugaru/Sounds/Music*.ogg", None),
    (REPORT, "other", "lugaru", "lugaru-data", "usr/share/games/lugaru/Sounds/*.ogg",
     lambda p: not re.match("Music|Console|Rabbit", p.name)),
    (REPORT, "other", "effects", "hedgewars-data", "usr/share/games/hedgewars/Data/Sounds/*.ogg", lambda p: p.stem in HEDGEWARS),
    (REPORT, "other", "slides", "extremetuxracer-data", "usr/share/games/etr/sounds/*_slide.wav", None),
    (REPORT, "other", "animals", "gcompris-qt-data", "usr/share/**/explore_farm_animals.rcc", None),
]  # fmt: skip


def clips(packages, half):
    """{kind: {type: [path]}} of one half, from the folder with the unpacked packages."""
    found = {}
    for part, kind, type_, package, files, wanted in SOURCES:
        if part != half:
            continue
        paths = sorted(set(packages.joinpath(package).glob(files)))
        paths = [inner for path in paths for inner in unpacked(path)]
        found.setdefault(kind, {}).setdefault(type_, []).extend(p for p in paths if wanted is None or wanted(p))
    return found


def unpacked(path):
    """The file itself, or the sounds inside a Qt resource or a Quake package, unpacked beside it."""
    if path.suffix not in (".rcc", ".pk3"):
        return [path]
    folder = path.with_suffix(".sounds")
    if not folder.exists():
        folder.mkdir()
        if path.suffix == ".pk3":
            subprocess.run(["unzip", "-qo", path, "*.wav", "*.ogg", "-d", folder], check=False)
        else:
            for index, stream in enumerate(ogg_streams(path.read_bytes())):
                folder.joinpath(f"{path.stem}-{index:03}.ogg").write_bytes(stream)
    return sorted(p for p in folder.rglob("*") if p.suffix in (".wav", ".ogg"))


def ogg_streams(data):
    """The Ogg files in a blob: from each first page to the page that ends it."""
    start = data.find(b"OggS\0\x02")
    while start >= 0:
        end, last = start, False
        while not last and data[end : end + 4] == b"OggS":
            last, segments = data[end + 5] & 4, data[end + 26]
            end += 27 + segments + sum(data[end + 27 : end + 27 + segments])
        yield data[start:end]
        start = data.find(b"OggS\0\x02", end)


@functools.lru_cache(64)
def load(path):
    form = ["-f", "g722"] if path.suffix == ".g722" else []
    command = ["ffmpeg", "-v", "error", *form, "-i", str(path), "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


def levels(x):
    """Levels of 10 ms in dB."""
    count = len(x) // 160
    return 10 * np.log10((x[: count * 160].reshape(count, 160).astype(float) ** 2).mean(1) + 1e-12)


def trimmed(x, below=45):
    """Without what is `below` dB fainter than its loud parts at either end."""
    level = levels(x)
    loud = np.flatnonzero(level > np.percentile(level, 95) - below) if len(level) else []
    return x[loud[0] * 160 : (loud[-1] + 1) * 160] if len(loud) else x[:0]


def at_level(x, decibels):
    """With its loud parts at so many dBFS on average."""
    level = levels(x)
    y = x * 10 ** ((decibels - level[level > np.percentile(level, 95) - 20].mean()) / 20)
    return (y * min(1, 0.97 / max(np.abs(y).max(), 1e-9))).astype(np.float32)


if __name__ == "__main__":
    print(*sorted({package for _, _, _, package, *_ in SOURCES} | {"hydrogen-drumkits"}))
