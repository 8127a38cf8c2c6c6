//! Model files: where they are, whether they are whole, and which of them are loaded.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::alignment_heads;
use crate::catalog::{self, NamedModel};
use crate::model_file::inspect;
use crate::{ModelError, ModelHeader, WhisperModel};

/// The directory that holds model files.
#[derive(Clone, Debug)]
pub struct ModelDirectory(PathBuf);

/// Where a model is, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The name or path it was asked for by.
    pub asked: String,
    /// What names it in versions: letters, digits and `. _ -`.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What is published under its name.
    pub published: Option<&'static NamedModel>,
}

impl ModelDirectory {
    /// It need not exist.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The file of a model: `name_or_path` is a path when it holds a `/` or ends in `.bin`, otherwise the name of
    /// `ggml-<name>.bin` in this directory.
    #[must_use]
    pub fn locate(&self, name_or_path: &str) -> Located {
        let asked = name_or_path.to_owned();
        let is_path = name_or_path.contains('/')
            || Path::new(name_or_path).extension().is_some_and(|extension| extension == "bin");
        if !is_path {
            let path = self.0.join(catalog::file_name(name_or_path));
            let published = catalog::find(name_or_path);
            return Located { asked, name: plain(name_or_path), path, published };
        }
        let path = PathBuf::from(name_or_path);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Located { asked, name: plain(stem.strip_prefix("ggml-").unwrap_or(&stem)), path, published: None }
    }

    /// The models whose files are here, by name: also such as nobody published.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub fn present(&self) -> io::Result<Vec<Located>> {
        let entries = match std::fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let file_name = entry?.file_name();
            let name = file_name.to_str().and_then(|name| name.strip_prefix("ggml-")?.strip_suffix(".bin"));
            found.extend(name.map(|name| self.locate(name)));
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }
}

impl Located {
    /// What to do when the file is not there or not right.
    fn remedy(&self) -> String {
        match self.published {
            Some(model) => format!("fetch it with `harkback models pull {}`", model.name),
            None => "give the name of a published model (`harkback models list`) or the path of a ggml Whisper file"
                .to_owned(),
        }
    }

    /// Reads the file from end to end: is it a whole model, and, for a published one, the one that was published?
    /// Gives its header and its SHA-256 in hexadecimal.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn check(&self) -> Result<(ModelHeader, String), ModelError> {
        let (header, mut file) = self.open()?;
        if let Some(model) = self.published {
            let found = hash::<sha1::Sha1>(&mut file).map_err(|error| self.unreadable(&error))?;
            if found != model.sha1 {
                return Err(self.invalid(format!("its SHA-1 is {found}, published is {}", model.sha1)));
            }
        }
        let sha256 = hash::<Sha256>(&mut file).map_err(|error| self.unreadable(&error))?;
        Ok((header, sha256))
    }

    fn open(&self) -> Result<(ModelHeader, File), ModelError> {
        self.identity()?;
        let file = File::open(&self.path).map_err(|error| self.unreadable(&error))?;
        let mut reader = BufReader::new(file);
        let header = inspect(&mut reader).map_err(|reason| self.invalid(reason))?;
        Ok((header, reader.into_inner()))
    }

    fn identity(&self) -> Result<Identity, ModelError> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.missing(),
            _ => self.unreadable(&error),
        })?;
        if metadata.is_file() {
            Ok(Identity::of(&metadata))
        } else {
            Err(self.invalid("it is no file".to_owned()))
        }
    }

    fn missing(&self) -> ModelError {
        let is_file_here = self.path != Path::new(&self.asked) && Path::new(&self.asked).is_file();
        let remedy = if is_file_here {
            format!("a path has a `/` in it: give `./{}` for the file of that name", self.asked)
        } else {
            self.remedy()
        };
        ModelError::Missing { asked: self.asked.clone(), path: self.path.clone(), remedy }
    }

    fn unreadable(&self, error: &io::Error) -> ModelError {
        ModelError::Unreadable { path: self.path.clone(), reason: error.to_string(), remedy: self.remedy() }
    }

    fn invalid(&self, reason: String) -> ModelError {
        ModelError::Invalid { path: self.path.clone(), reason, remedy: self.remedy() }
    }
}

fn plain(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' };
    name.chars().map(allowed).take(64).collect()
}

fn hash<D: Digest>(file: &mut File) -> io::Result<String> {
    file.rewind()?;
    let mut digest = D::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex::encode(digest.finalize()));
        }
        digest.update(&buffer[..read]);
    }
}

/// Tells a file from its successor without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// The models in use. Each is loaded once for each version of its file, and the least recently used are let go.
#[derive(Debug)]
pub struct Models {
    directory: ModelDirectory,
    capacity: usize,
    threads: usize,
    /// The most recently used first. Held while a model loads: whoever asks for the same one gets it, too.
    known: Mutex<Vec<Known>>,
}

/// What came of loading a file: a broken one is not read again until it changes.
#[derive(Debug)]
struct Known {
    path: PathBuf,
    identity: Identity,
    outcome: Result<Arc<WhisperModel>, ModelError>,
}

impl Known {
    fn is_of_use(&self) -> bool {
        self.outcome.as_ref().map_or(true, |model| !model.has_ended())
    }
}

impl Models {
    /// Keeps at most `capacity` models (at least one) and has each decode up to `threads` windows (at
    /// least one) at the same time; the words do not depend on it.
    #[must_use]
    pub fn new(directory: ModelDirectory, capacity: usize, threads: usize) -> Self {
        Self { directory, capacity: capacity.max(1), threads: threads.max(1), known: Mutex::default() }
    }

    /// The directory of the named ones.
    #[must_use]
    pub const fn directory(&self) -> &ModelDirectory {
        &self.directory
    }

    /// A model by its name or path, ready for use. Blocking: the first time, and when its file has changed, the file
    /// is read, checked, hashed and loaded; otherwise it costs a look at the file's date.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn open(&self, name_or_path: &str) -> Result<Arc<WhisperModel>, ModelError> {
        let located = self.directory.locate(name_or_path);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = located.identity()?;
        let is_it =
            |entry: &Known| entry.path == located.path && entry.identity == identity && entry.is_of_use();
        if let Some(index) = known.iter().position(is_it) {
            known[..=index].rotate_right(1);
        } else {
            known.retain(|entry| entry.path != located.path);
            let outcome = self.load(&located, identity);
            if let Err(error @ ModelError::Changing { .. }) = outcome {
                return Err(error);
            }
            known.insert(0, Known { path: located.path, identity, outcome });
            known.truncate(self.capacity);
        }
        known[0].outcome.clone()
    }

    fn load(&self, located: &Located, identity: Identity) -> Result<Arc<WhisperModel>, ModelError> {
        let (header, mut file) = located.open()?;
        let sha256 = hash::<Sha256>(&mut file).map_err(|error| located.unreadable(&error))?;
        let is_first_large = alignment_heads::is_ambiguous(header)
            && catalog::find("large-v1")
                .is_some_and(|model| hash::<sha1::Sha1>(&mut file).is_ok_and(|found| found == model.sha1));
        let heads = alignment_heads::parameters(header, is_first_large);
        let (name, path) = (located.name.clone(), located.path.clone());
        let model = WhisperModel::load(name, path, sha256, header, heads, self.threads);
        let model = model.map_err(|reason| located.invalid(reason))?;
        if located.identity()? != identity {
            return Err(ModelError::Changing { path: located.path.clone() });
        }
        tracing::info!(model = model.version(), path = %located.path.display(), "speech model loaded");
        Ok(Arc::new(model))
    }
}
