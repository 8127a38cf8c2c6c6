// Deutsche Texte.
export default {
  "skip": "Zum Inhalt", "all": "Alle", "more": "Mehr", "save": "Sichern", "cancel": "Abbrechen", "retry": "Noch einmal", "refresh": "Aktualisieren",
  "loading": "Wird geladen …", "dismiss": "Ausblenden", "close": "Schließen", "language": "Sprache", "panels": "Bereiche",
  "appearance": "Darstellung: {now}", "appearance.system": "wie das System", "appearance.light": "hell", "appearance.dark": "dunkel",

  "nav.label": "Ansichten", "nav.recordings": "Aufnahmen", "nav.samples": "Samples", "nav.search": "Worte", "nav.jobs": "Aufträge",
  "nav.searchHint": "Gesprochenes suchen", "nav.searchLabel": "Gesprochenes suchen",

  "who.title": "Zugang", "who.key": "Schlüssel oder Token", "who.keyHint": "Ein API-Schlüssel (hb_…) oder ein Token Ihres Ausstellers. Er bestimmt Mandant und Umgebung.",
  "who.context": "Ohne Schlüssel", "who.tenant": "Mandant", "who.env": "Umgebung", "who.user": "Benutzer (optional)",
  "who.contextHint": "Für einen Dienst auf diesem Rechner oder hinter einem Proxy. 1 bis 128 Zeichen aus A-Z a-z 0-9 . _ : -",
  "who.remember": "In diesem Browser merken", "who.use": "Verwenden", "who.forget": "Schlüssel vergessen", "who.signedIn": "Angemeldet",

  "drop.title": "Audio oder Video hier ablegen", "drop.hint": "Dateien und Ordner jeder Größe. Nach einer Unterbrechung geht es weiter.",
  "drop.files": "Dateien wählen", "drop.folder": "Ordner wählen",
  "recordings.title": "Aufnahmen", "recordings.none": "Noch keine Aufnahmen. Legen Sie oben eine Datei ab.", "recordings.tag": "Schlagwort",
  "asset.video": "Video", "asset.audio": "Audio", "asset.image": "Bild", "asset.other": "Anderes",

  "column.name": "Name", "column.kind": "Art", "column.length": "Länge", "column.size": "Größe", "column.made": "Hinzugefügt", "column.tags": "Schlagworte",
  "column.work": "Arbeit", "column.state": "Zustand", "column.stage": "Schritt", "column.actions": "Aktionen", "column.at": "Bei", "column.source": "Quelle",
  "column.label": "Beschriftung", "column.start": "Anfang", "column.what": "Was", "column.value": "Gemessen", "column.choose": "Wählen",
  "column.listen": "Anhören", "column.score": "Güte", "column.from": "Aus",

  "task.list": "Laufende Arbeiten", "task.upload": "{name} hochladen", "task.uploading": "Wird hochgeladen", "task.reconnecting": "Wartet auf die Verbindung; geht von selbst weiter",
  "task.analyse": "{name} analysieren", "task.samples": "Samples in {name} suchen", "task.film": "Film: {name}", "task.queued": "Wartet, {position} davor",
  "task.waiting": "Wartet", "task.running": "In Arbeit", "task.done": "Fertig", "task.cancelled": "Abgebrochen",
  "stage.waiting": "Wartet auf einen Arbeiter", "stage.reading": "Wird gelesen", "stage.decoding": "Wird dekodiert", "stage.analysing": "Signal wird analysiert", "stage.transcribing": "Worte werden erkannt",
  "stage.detecting": "Samples werden gesucht", "stage.cutting": "Samples werden geschnitten", "stage.rendering": "Wird gerendert", "stage.mixing": "Wird gemischt", "stage.joining": "Stücke werden verbunden",
  "jobs.none": "Keine Aufträge.", "job.queued": "Wartet", "job.running": "Läuft", "job.succeeded": "Fertig", "job.failed": "Gescheitert", "job.cancelled": "Abgebrochen",

  "recording.analyse": "Analysieren", "recording.analyseAgain": "Neu analysieren", "recording.findSamples": "Schläge und Loops suchen",
  "recording.notAnalysed": "Noch nicht analysiert.", "recording.noLength": "Die Länge dieser Datei ist unbekannt.", "recording.stub": "Platzhalter-Analyse", "recording.corrected": "korrigiert",

  "player.title": "Player", "player.play": "Abspielen", "player.pause": "Pause", "player.start": "Zum Anfang", "player.frameBack": "Ein Bild zurück", "player.frameOn": "Ein Bild vor",
  "player.time": "Position", "player.loop": "Fenster wiederholen", "player.clear": "Fenster aufheben", "player.in": "Fenster beginnt hier", "player.out": "Fenster endet hier",
  "player.inShort": "In", "player.outShort": "Out", "player.rate": "Tempo", "player.volume": "Lautstärke",
  "player.unplayable": "Dieser Browser kann die Datei nicht abspielen. Analyse, Samples und Exporte gehen; ein Film daraus ist abspielbar.",

  "timeline.title": "Zeitleiste", "timeline.position": "Position auf der Zeitleiste", "timeline.in": "Näher", "timeline.out": "Weiter", "timeline.fit": "Ganz", "timeline.scroll": "Zeitleiste verschieben",
  "timeline.keys": "Pfeiltasten bewegen um Bilder, Plus und Minus zoomen, N und B wählen das nächste und vorige Element, Fragezeichen zeigt alle Tasten.",
  "lane.wave": "Wellenform", "lane.kinds": "Arten", "lane.speakers": "Sprecher", "lane.words": "Worte", "lane.beats": "Schlag", "lane.loudness": "Lautheit", "lane.hits": "Hits", "lane.loops": "Loops",
  "kind.speech": "Sprache", "kind.music": "Musik", "kind.silence": "Stille", "kind.other": "Anderes", "kind.sung": "gesungen", "background.music": "über Musik",
  "type.event": "Ereignis", "type.word": "Wort", "type.beat": "Schlag", "type.hit": "Hit", "type.loop": "Loop", "type.phrase": "Satz", "type.turn": "Sprecher",
  "item.hit": "Hit", "item.loopOfOne": "1 Takt, {bpm} BPM", "item.loop": "{bars} Takte, {bpm} BPM", "item.beat": "Takt {bar}, Schlag {beat}", "timing.measured": "gemessen", "timing.interpolated": "interpoliert", "timing.corrected": "korrigiert",

  "inspector.title": "Auswahl", "inspector.none": "Wort, Schlag, Hit oder Ereignis anklicken spielt es ab; Ziehen markiert ein Fenster.",
  "inspector.play": "Abspielen", "inspector.loop": "Wiederholen", "inspector.copy": "Link kopieren", "inspector.copied": "Kopiert",
  "corrections.title": "Korrekturen", "corrections.saving": "Wird gesichert …", "corrections.kind": "Art", "corrections.split": "An der Position teilen", "corrections.merge": "Mit dem nächsten verbinden",
  "corrections.speaker": "Sprecher", "corrections.word": "Wort", "corrections.set": "Setzen", "corrections.removeWord": "Entfernen", "corrections.halfEarlier": "Raster einen halben Schlag früher",
  "corrections.halfLater": "Raster einen halben Schlag später", "corrections.double": "Doppeltes Tempo", "corrections.halve": "Halbes Tempo", "corrections.undo": "Korrektur {revision} zurücknehmen",

  "panel.words": "Worte", "panel.tables": "Tabellen", "panel.make": "Bauen", "panel.edit": "Schneiden", "panel.export": "Export", "panel.lineage": "Herkunft",
  "words.none": "Keine Worte: es wurde nicht gesprochen, oder der Dienst hat kein Sprachmodell.", "words.playFrom": "Ab {time} abspielen",
  "table.choose": "Spur", "table.event": "Ereignisse", "table.word": "Worte", "table.beat": "Schläge", "table.hit": "Hits", "table.loop": "Loops", "table.turn": "Sprecher",
  "table.play": "{label} bei {time} abspielen", "table.earlier": "Früher", "table.later": "Später", "table.here": "An der Position", "table.rows": "{from} bis {to} von {all}",

  "make.none": "Pads und Muster brauchen Samples.", "make.pads": "Pads", "make.pattern": "Muster", "make.template": "Vorlage", "make.bpm": "Tempo (BPM)",
  "make.swing": "Swing (%)", "make.bars": "Takte", "make.grid": "Raster", "make.step": "{role}, Schritt {step}", "make.role": "Sample für {role}", "make.silent": "stumm", "make.play": "Muster abspielen",
  "make.stop": "Anhalten", "make.render": "Ton rendern", "make.rendering": "Muster rendern", "make.shots": "Film daraus", "make.filmOf": "{template} aus {name}", "make.openSound": "Ton öffnen",
  "make.lowered": "um {db} dB gesenkt, auf höchstens −1 dBTP", "make.templatesOnly": "Ein verändertes Raster wird ein Film, dessen Ton es ist; als Ton allein werden nur unveränderte Vorlagen gerendert.",

  "edits.silence": "Stille entfernen", "edits.silenceOf": "{name} ohne Stille", "edits.minSilence": "Stillen ab (ms)", "edits.margin": "Rand (ms)", "edits.fillers": "Auch Fülllaute entfernen (äh, um, …)",
  "edits.supercut": "Supercut eines Satzes", "edits.phrase": "Wort oder Satz", "edits.padding": "Rand (ms)", "edits.toMusic": "Auf Musik schneiden", "edits.musicHint": "Diese Aufnahme, geschnitten auf die Schläge der Musik.",
  "edits.chooseMusic": "Musik wählen (jetzt: diese Aufnahme)", "edits.music": "Musik", "edits.every": "Schnitt je", "edits.order": "Reihenfolge", "edits.make": "Schnitt erstellen",
  "every.beat": "Schlag", "every.2beats": "zweiten Schlag", "every.bar": "Takt", "every.2bars": "zweiten Takt", "order.given": "wie aufgenommen", "order.shuffled": "gemischt", "order.energy": "nach Energie",

  "shots.summary": "{count} Einstellungen, {length}", "shots.preview": "Vorschau", "shots.profile": "Profil", "shots.fit": "Bild", "fit.contain": "ganzes Bild", "fit.cover": "Bild füllen",
  "shots.film": "Film erstellen", "shots.filming": "Der Film wird erstellt; siehe laufende Arbeiten.", "shots.open": "Film öffnen", "shots.list": "Einstellungen", "shots.more": "{count} weitere Einstellungen sind in den Exporten.",

  "exports.recording": "Aufnahme", "exports.original": "Originaldatei", "exports.copyLink": "Link kopieren (7 Tage)", "exports.copied": "Ein Link, der in 7 Tagen abläuft, ist in der Zwischenablage.",
  "exports.samples": "{count} Samples als ZIP", "exports.words": "Worte", "exports.timeline": "Zeitleiste", "exports.toEditor": "In ein Schnittprogramm", "exports.link": "Link", "exports.linkTo": "Link zu {format} kopieren",
  "exports.saveAs": "{format} sichern", "exports.losses": "{count} Dinge, die dieses Format nicht fasst", "exports.whole": "Nichts ging verloren.", "exports.preview": "Untertitel über dem Video zeigen", "exports.captions": "Untertitel",
  "format.otio": "Resolve, Premiere Pro, OpenTimelineIO", "format.fcpxml": "Final Cut Pro, Resolve", "format.fcp7xml": "Premiere Pro, Resolve, Avid", "format.edl": "CMX 3600, jedes Schnittprogramm", "format.csv": "Tabellenkalkulation",
  "format.markers-edl": "Marker für Resolve", "format.markers-csv": "Regionen und Marker für Reaper", "format.audition-csv": "Marker für Audition", "format.audacity": "Textmarken für Audacity",
  "format.midi": "Tempospur und Klick: Live, Logic", "format.chapters": "Kapitel, Podcasting 2.0", "format.ffmetadata": "Kapitel für ffmpeg", "format.jams": "mir_eval, librosa", "format.rttm": "wer wann spricht: pyannote",
  "format.ctm": "Worte: sclite", "format.textgrid": "Praat, ELAN", "format.words.srt": "SubRip-Untertitel", "format.words.vtt": "WebVTT-Untertitel", "format.words.ttml": "TTML-Untertitel", "format.words.ass": "Karaoke-Untertitel",
  "format.words.txt": "reiner Text", "format.words.json": "Worte mit Zeiten", "format.words.openai-json": "OpenAI, ausführliches JSON", "format.words.podcast-transcript": "Transkript, Podcasting 2.0",

  "lineage.from": "Gemacht aus", "lineage.original": "Eine eigene Aufnahme: sie wurde nicht hier gemacht.", "lineage.uses": "Verwendet von", "lineage.usesHint": "Für das markierte Fenster; ohne Fenster für die ganze Aufnahme, ohne einzelne Hits.",
  "lineage.unused": "Noch nicht verwendet.", "lineage.made": "Aus dieser Aufnahme gemacht", "lineage.nothing": "Noch nichts.",

  "samples.none": "Kein Sample erfüllt diese Bedingungen. Suchen Sie zuerst Schläge und Loops in einer Aufnahme.", "samples.role": "Rolle", "samples.bpmMin": "BPM von", "samples.bpmMax": "BPM bis", "samples.key": "Tonart", "samples.text": "Worte",
  "samples.minScore": "Güte ab", "samples.tag": "Schlagwort der Aufnahme", "samples.sort": "Reihenfolge", "samples.bars": "{count} Takte", "samples.play": "{label} abspielen", "samples.choose": "{label} wählen",
  "samples.similar": "Ähnliche", "samples.similarTo": "Ähnliche wie {label}", "samples.similarShown": "Ähnliche Samples, das nächste zuerst.", "samples.all": "Alle zeigen",
  "sample.audio_hit": "Hits", "sample.audio_loop": "Loops", "sample.audio_phrase": "Sätze", "role.kick": "Kick", "role.snare": "Snare", "role.hat": "Hi-Hat", "role.tom": "Tom", "role.clap": "Clap", "role.other": "andere",
  "sort.newest": "neueste", "sort.score": "Güte", "sort.bpm": "Tempo", "sort.duration": "Länge",

  "search.title": "Worte", "search.go": "Suchen", "search.hint": "Worte in jeder Form; \"ein Satz\" genau so; anfang* nach dem Beginn.", "search.none": "„{q}“ kommt im Gesprochenen nicht vor.",
  "search.supercut": "Supercut aller Stellen", "search.supercutOf": "Supercut von „{q}“",

  "help.title": "Tasten", "help.anywhere": "Überall", "help.player": "Player", "help.timeline": "Zeitleiste", "help.pads": "Pads (Bereich Bauen)", "help.search": "Worte suchen", "help.leave": "Feld oder Dialog verlassen",
  "help.toggle": "abspielen oder Pause", "help.shuttle": "rückwärts, Pause, vorwärts; noch einmal: schneller", "help.frame": "ein Bild zurück oder vor", "help.second": "eine Sekunde zurück oder vor", "help.ends": "zum Anfang oder Ende",
  "help.marks": "Fenster beginnt oder endet hier", "help.loop": "Fenster wiederholen oder nicht", "help.clear": "Fenster und Auswahl aufheben", "help.zoom": "näher oder weiter", "help.fit": "ganze Aufnahme zeigen",
  "help.pan": "früher oder später", "help.next": "nächstes oder voriges Element der Spur", "help.playItem": "Auswahl abspielen", "help.copy": "Link zur Auswahl kopieren", "help.padKeys": "Pads spielen",

  "error.offline": "Der Dienst ist nicht erreichbar", "error.unreadable": "Die Antwort {status} ist nicht von diesem Dienst",
  "remedy.offline": "Prüfen Sie die Verbindung, und ob der Dienst läuft.", "remedy.unauthorized": "Geben Sie einen Schlüssel oder ein Token ein.", "remedy.scope_insufficient": "Verwenden Sie einen Schlüssel mit mehr Rechten.",
  "remedy.link_invalid": "Laden Sie die Seite für einen neuen Link neu.", "remedy.invalid_context": "Wählen Sie Mandant und Umgebung.", "remedy.no_audio_stream": "Verwenden Sie eine Datei mit Ton.",
  "remedy.undecodable_media": "Verwenden Sie eine andere Datei.", "remedy.queue_full": "Versuchen Sie es gleich noch einmal.", "remedy.busy": "Versuchen Sie es gleich noch einmal.", "remedy.storage_full": "Der Betreiber muss Platz schaffen.",
  "remedy.upload_too_large": "Verwenden Sie eine kleinere Datei, oder lassen Sie sie vor Ort registrieren.", "remedy.too_many_uploads": "Beenden Sie andere Uploads.", "remedy.semantics_required": "Analysieren Sie zuerst die Aufnahme.",
  "remedy.words_not_found": "Analysieren Sie die Aufnahme mit einem Sprachmodell.", "remedy.phrase_not_found": "Versuchen Sie eine andere Schreibweise.", "remedy.beats_required": "Wählen Sie Musik mit einem Takt.", "remedy.sources_too_short": "Schneiden Sie seltener.",
  "remedy.asset_not_found": "Prüfen Sie Mandant und Umgebung.", "remedy.decoder_unavailable": "Der Betreiber muss ffmpeg installieren.", "remedy.renderer_unavailable": "Der Betreiber muss ffmpeg installieren.",
  "remedy.stale_base_version": "Inzwischen wurde eine andere Korrektur gesichert: laden Sie sie, und korrigieren Sie noch einmal.", "remedy.too_many_jobs": "Versuchen Sie es später.", "remedy.empty_edit": "Wählen Sie längere Stillen.", "remedy.host_not_allowed": "Öffnen Sie die Seite unter ihrem üblichen Namen.",
};
