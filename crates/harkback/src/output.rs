//! Files that commands write: an existing one is replaced atomically, a stream is appended to.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::NamedTempFile;

/// Maximum number of symbolic links to follow, as in Linux.
const MAX_LINKS: usize = 40;

/// An output path, checked before there is anything to write.
#[derive(Debug)]
pub(crate) struct Output {
    given: PathBuf,
    target: OutputTarget,
}

#[derive(Debug)]
enum OutputTarget {
    /// A regular file that exists or not yet: its path with all links resolved, and its metadata.
    File(PathBuf, Option<Metadata>),
    /// A device, a pipe or an open descriptor: appended to instead of replaced.
    Stream,
}

/// A regular file, regardless of its names.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileIdentity {
    /// Device and inode.
    Existing(u64, u64),
    /// The path of a file that does not exist yet, in a directory without links.
    New(PathBuf),
}

/// A file that is being written. A regular one appears when it is complete, with [`OutputWriter::commit`].
#[derive(Debug)]
pub(crate) enum OutputWriter {
    /// A temporary file beside the target.
    File(NamedTempFile, PathBuf),
    /// An open stream.
    Stream(File),
}

impl Output {
    /// Resolves and checks `given`, without changing anything.
    ///
    /// # Errors
    /// When the path cannot be written, is one of the `recordings`, as far as those exist, or has a file of another
    /// recording.
    pub(crate) fn new(given: &Path, recordings: &[&Path]) -> anyhow::Result<Self> {
        let target = target(given, recordings).with_context(|| given.display().to_string())?;
        Ok(Self { given: given.to_path_buf(), target })
    }

    /// The path as given.
    pub(crate) fn path(&self) -> &Path {
        &self.given
    }

    /// Which regular file the output is; `None` for a stream, to which several outputs can be appended.
    pub(crate) fn identity(&self) -> Option<FileIdentity> {
        match &self.target {
            OutputTarget::Stream => None,
            OutputTarget::File(_, Some(before)) => Some(FileIdentity::Existing(before.dev(), before.ino())),
            OutputTarget::File(path, None) => {
                let parent = directory(path).canonicalize().ok()?;
                Some(FileIdentity::New(parent.join(path.file_name()?)))
            }
        }
    }

    /// Writes `bytes`. A regular file is never half written: it has its old contents or its new ones.
    pub(crate) fn write(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let written = self.open().and_then(|mut writer| {
            writer.write_all(bytes)?;
            writer.commit()
        });
        written.with_context(|| self.given.display().to_string())
    }

    /// Opens the output for content that arrives in pieces.
    pub(crate) fn open(&self) -> io::Result<OutputWriter> {
        match &self.target {
            OutputTarget::File(path, before) => {
                Ok(OutputWriter::File(temporary(path, before.as_ref())?, path.clone()))
            }
            // After the existing content, which other processes may have written.
            OutputTarget::Stream => Ok(OutputWriter::Stream(File::options().append(true).open(&self.given)?)),
        }
    }
}

impl OutputWriter {
    /// Completes the output: a regular file replaces the one before it. Without it, that one stays.
    pub(crate) fn commit(self) -> io::Result<()> {
        match self {
            Self::File(file, path) => {
                file.as_file().sync_all()?;
                file.persist(path).map(drop).map_err(|error| error.error)
            }
            Self::Stream(_) => Ok(()),
        }
    }
}

impl Write for OutputWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file, _) => file.as_file_mut().write(bytes),
            Self::Stream(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn target(given: &Path, recordings: &[&Path]) -> anyhow::Result<OutputTarget> {
    let before = match fs::metadata(given) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    anyhow::ensure!(!before.as_ref().is_some_and(Metadata::is_dir), "it is a directory");
    let path = followed(given);
    if before.as_ref().is_some_and(|metadata| !metadata.is_file()) || is_descriptor(&path) {
        return Ok(OutputTarget::Stream);
    }
    if let Some(before) = &before {
        for recording in recordings {
            let Ok(recording) = fs::metadata(recording) else { continue };
            let is_recording = (before.dev(), before.ino()) == (recording.dev(), recording.ino());
            anyhow::ensure!(!is_recording, "it is the recording itself");
        }
        // No output is audio or video.
        let format = media_decode::sniff(&mut File::options().read(true).write(true).open(&path)?)?;
        if let Some(format) = format.filter(|format| format.is_media()) {
            let title = format.title();
            anyhow::bail!("it is a recording ({title}), which is not replaced; use another name");
        }
    }
    let directory = directory(&path);
    anyhow::ensure!(directory.is_dir(), "there is no directory {}", directory.display());
    // An unnamed temporary file: it leaves nothing behind, even after a crash.
    tempfile::tempfile_in(directory)?;
    Ok(OutputTarget::File(path, before))
}

/// The end of a chain of links, which may not exist yet.
fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        if is_descriptor(&path) {
            break;
        }
        let Ok(target) = fs::read_link(&path) else { break };
        path = directory(&path).join(target);
    }
    path
}

/// Whether `/dev/stdout` or `/dev/fd/3` lead to the path. It may be a regular file that other processes write, too.
fn is_descriptor(path: &Path) -> bool {
    directory(path).canonicalize().is_ok_and(|directory| directory.starts_with("/proc"))
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file in the same directory, which a rename moves to `path`. Mode and owner stay; a new file's mode is
/// 0666 less the umask.
fn temporary(path: &Path, before: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let file =
        tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(directory(path))?;
    if let Some(before) = before {
        // Only root can change the owner; for other users the file becomes their own.
        let _ = fchown(file.as_file(), Some(before.uid()), Some(before.gid()));
        file.as_file().set_permissions(before.permissions())?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt, symlink};

    use super::*;

    const RECORDING: &str = "Cargo.toml";

    fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        Output::new(path, &[Path::new(RECORDING)])?.write(bytes)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn new_output_file_has_the_mode_of_any_new_file() {
        let directory = tempfile::tempdir().unwrap();
        let (new, usual) = (directory.path().join("new"), directory.path().join("usual"));
        write(&new, b"new").unwrap();
        File::create(&usual).unwrap();
        assert_eq!(mode(&new), mode(&usual));
        assert_eq!(fs::read(&new).unwrap(), b"new");
        assert_eq!(names(directory.path()), ["new", "usual"], "nothing is left behind");
    }

    #[test]
    fn existing_output_file_keeps_its_mode_and_is_replaced_atomically() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, b"before, and longer").unwrap();
        for expected in [0o644, 0o600, 0o666] {
            fs::set_permissions(&file, Permissions::from_mode(expected)).unwrap();
            // A reader of the old contents keeps them to the end.
            let old = File::open(&file).unwrap();
            write(&file, b"after").unwrap();
            assert_eq!((mode(&file), fs::read(&file).unwrap()), (expected, b"after".to_vec()));
            assert_ne!(old.metadata().unwrap().ino(), fs::metadata(&file).unwrap().ino());
        }
    }

    #[test]
    fn output_replaces_no_recording() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("hi.wav");
        for recording in [&b"RIFF....WAVEfmt "[..], b"\0\0\0\x20ftypisom", b"fLaC\0\0\0\x22"] {
            fs::write(&file, recording).unwrap();
            let error = format!("{:#}", write(&file, b"text").unwrap_err());
            assert!(error.contains("hi.wav: it is a recording ("), "{error}");
            assert_eq!(fs::read(&file).unwrap(), recording);
        }
        // Outputs of before are replaced: text, notes, drawings, nothing.
        for before in
            [&b"1\n00:00:00,000 --> 00:00:01,000\nhark\n\n"[..], b"MThd\0\0\0\x06", b"\x89PNG\r\n\x1a\n", b""]
        {
            fs::write(&file, before).unwrap();
            write(&file, b"text").unwrap();
            assert_eq!(fs::read(&file).unwrap(), b"text");
        }
    }

    #[test]
    fn output_links_stay_and_their_targets_are_written() {
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("below");
        fs::create_dir(&below).unwrap();
        fs::write(below.join("old"), b"before").unwrap();
        for name in ["old", "new"] {
            let (first, second) = (directory.path().join(name), below.join(format!("link to {name}")));
            symlink(&second, &first).unwrap();
            symlink(name, &second).unwrap();
            write(&first, b"after").unwrap();
            assert_eq!(fs::read(below.join(name)).unwrap(), b"after", "{name}");
            assert!(first.is_symlink() && second.is_symlink() && !below.join(name).is_symlink());
        }
        symlink("loop", directory.path().join("loop")).unwrap();
        assert!(write(&directory.path().join("loop"), b"").is_err());
    }

    #[test]
    fn output_in_pieces_appears_when_it_is_committed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, b"before").unwrap();
        let output = Output::new(&file, &[]).unwrap();
        let mut writer = output.open().unwrap();
        writer.write_all(b"af").unwrap();
        drop(writer);
        assert_eq!(fs::read(&file).unwrap(), b"before");
        assert_eq!(names(directory.path()), ["file"], "an abandoned file is removed");
        let mut writer = output.open().unwrap();
        for piece in ["af", "ter"] {
            writer.write_all(piece.as_bytes()).unwrap();
        }
        writer.commit().unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"after");
    }

    #[test]
    fn output_identity_is_that_of_the_file_under_any_name() {
        let directory = tempfile::tempdir().unwrap();
        let within = |name: &str| directory.path().join(name);
        fs::write(within("old"), b"").unwrap();
        fs::hard_link(within("old"), within("hard link")).unwrap();
        symlink("new", within("link")).unwrap();
        let identity = |path: &Path| Output::new(path, &[]).unwrap().identity();
        assert_eq!(identity(&within("old")), identity(&within("hard link")));
        assert_eq!(identity(&within("new")), identity(&within("link")));
        assert_eq!(identity(&within("new")), identity(&within("./new")));
        assert_ne!(identity(&within("new")), identity(&within("newer")));
        assert_eq!(identity(Path::new("/dev/null")), None);
    }

    #[test]
    fn output_pipe_is_written_into() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write(&pipe, b"through").unwrap();
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        assert_eq!(reader.join().unwrap(), b"through");
    }

    /// `/dev/stdout` leads to a descriptor; `harkback … >> file` must not lose the file's content.
    #[test]
    fn output_descriptor_is_appended_to() {
        use std::os::fd::AsRawFd;
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, b"before, ").unwrap();
        let open = File::options().append(true).open(&file).unwrap();
        symlink(format!("/proc/self/fd/{}", open.as_raw_fd()), &link).unwrap();
        write(&link, b"after").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"before, after");
        assert!(link.is_symlink());
    }

    #[test]
    fn unwritable_output_is_refused_before_the_work() {
        let directory = tempfile::Builder::new().prefix("output-").tempdir().unwrap();
        let within = |name: &str| directory.path().join(name);
        fs::write(within("file"), b"").unwrap();
        for (path, expected_error) in [
            (directory.path().to_owned(), "directory"),
            (within("none/x.svg"), "there is no directory"),
            (within("file/x.svg"), "ot a directory"),
            (PathBuf::from(RECORDING), "the recording itself"),
        ] {
            let error = format!("{:#}", Output::new(&path, &[Path::new(RECORDING)]).unwrap_err());
            assert!(error.starts_with(path.to_str().unwrap()) && error.contains(expected_error), "{error}");
            assert!(!error.contains(".tmp"), "{error}");
        }
        assert_eq!(names(directory.path()), ["file"]);
    }
}
