//! Model files: finding, checking and caching of loaded models.

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

/// A directory of model files.
///
/// # Examples
///
/// ```
/// use std::path::Path;
///
/// use audio_asr::ModelDirectory;
///
/// let models = ModelDirectory::new("models".into());
/// let tiny = models.locate("tiny.en");
/// assert_eq!(tiny.path, Path::new("models/ggml-tiny.en.bin"));
/// assert!(tiny.published.is_some_and(|model| model.is_english_only()));
///
/// // A `/` or `.bin` makes it a path, and no published model is expected there.
/// let own = models.locate("/srv/ggml-own.bin");
/// assert_eq!((own.name.as_str(), own.published), ("own", None));
/// ```
#[derive(Clone, Debug)]
pub struct ModelDirectory(PathBuf);

/// The file of a model, which need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedModel {
    /// The requested name or path.
    pub requested: String,
    /// Name of the model in versions: letters, digits and `. _ -`.
    pub name: String,
    /// Path of the model's file.
    pub path: PathBuf,
    /// The published model with this name, if any.
    pub published: Option<&'static NamedModel>,
}

impl ModelDirectory {
    /// Creates the handle; the directory need not exist.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Path of the directory, which need not exist.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Locates the file of a model: `name_or_path` is a path if it contains a `/` or ends in `.bin`, otherwise the
    /// name of `ggml-<name>.bin` in this directory.
    #[must_use]
    pub fn locate(&self, name_or_path: &str) -> LocatedModel {
        let requested = name_or_path.to_owned();
        let is_path = name_or_path.contains('/')
            || Path::new(name_or_path).extension().is_some_and(|extension| extension == "bin");
        if !is_path {
            let path = self.0.join(catalog::file_name(name_or_path));
            let published = catalog::find(name_or_path);
            return LocatedModel { requested, name: version_name(name_or_path), path, published };
        }
        let path = PathBuf::from(name_or_path);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        LocatedModel {
            requested,
            name: version_name(stem.strip_prefix("ggml-").unwrap_or(&stem)),
            path,
            published: None,
        }
    }

    /// The models whose files are in the directory, sorted by name, including unpublished ones.
    ///
    /// # Errors
    /// When the directory exists and cannot be read.
    pub fn present(&self) -> io::Result<Vec<LocatedModel>> {
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

impl LocatedModel {
    /// How to fix a missing or invalid file.
    fn remedy(&self) -> String {
        match self.published {
            Some(model) => format!("fetch it with `harkback models pull {}`", model.name),
            None => "use the name of a published model (`harkback models list`) or the path of a ggml Whisper file"
                .to_owned(),
        }
    }

    /// Reads the whole file and checks that it is a complete model, and for a published name that it is the published
    /// file. Returns its header and its SHA-256 in hexadecimal.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn check(&self) -> Result<(ModelHeader, String), ModelError> {
        let (header, mut file) = self.open()?;
        if let Some(model) = self.published {
            let found = hash::<sha1::Sha1>(&mut file).map_err(|error| self.unreadable(&error))?;
            if found != model.sha1 {
                let (path, remedy) = (self.path.clone(), self.remedy());
                return Err(ModelError::NotPublished { path, found, published: model.sha1, remedy });
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

    fn identity(&self) -> Result<FileIdentity, ModelError> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.missing(),
            _ => self.unreadable(&error),
        })?;
        if metadata.is_file() {
            Ok(FileIdentity::of(&metadata))
        } else {
            Err(self.invalid("it is not a file".to_owned()))
        }
    }

    fn missing(&self) -> ModelError {
        let is_file_here = self.path != Path::new(&self.requested) && Path::new(&self.requested).is_file();
        let remedy = if is_file_here {
            format!("to use the file of this name, give its path as `./{}`", self.requested)
        } else {
            self.remedy()
        };
        ModelError::Missing { asked: self.requested.clone(), path: self.path.clone(), remedy }
    }

    fn unreadable(&self, error: &io::Error) -> ModelError {
        ModelError::Unreadable { path: self.path.clone(), reason: error.to_string(), remedy: self.remedy() }
    }

    fn invalid(&self, reason: String) -> ModelError {
        ModelError::Invalid { path: self.path.clone(), reason, remedy: self.remedy() }
    }
}

fn version_name(name: &str) -> String {
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

/// Identity of a version of a file, without reading its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
}

impl FileIdentity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// A cache of loaded models. Each version of a file is loaded once, and the least recently used models are dropped.
#[derive(Debug)]
pub struct Models {
    directory: ModelDirectory,
    capacity: usize,
    threads: usize,
    /// Most recently used first. Locked while a model loads, so that concurrent requests for it share the result.
    cached: Mutex<Vec<CachedModel>>,
}

/// Outcome of loading a file: an invalid file is not read again until it changes.
#[derive(Debug)]
struct CachedModel {
    path: PathBuf,
    identity: FileIdentity,
    outcome: Result<Arc<WhisperModel>, ModelError>,
}

impl CachedModel {
    fn is_usable(&self) -> bool {
        self.outcome.as_ref().map_or(true, |model| !model.has_ended())
    }
}

impl Models {
    /// Keeps at most `capacity` models (at least one), each of which decodes up to `threads` windows (at least one) at
    /// the same time; the words do not depend on it.
    #[must_use]
    pub fn new(directory: ModelDirectory, capacity: usize, threads: usize) -> Self {
        Self { directory, capacity: capacity.max(1), threads: threads.max(1), cached: Mutex::default() }
    }

    /// The directory in which names are looked up.
    #[must_use]
    pub const fn directory(&self) -> &ModelDirectory {
        &self.directory
    }

    /// Opens a model by its name or path. Blocking: the first time, and when its file has changed, the file is read,
    /// checked, hashed and loaded; otherwise only the file's metadata is read.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn open(&self, name_or_path: &str) -> Result<Arc<WhisperModel>, ModelError> {
        let located = self.directory.locate(name_or_path);
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = located.identity()?;
        let is_current = |entry: &CachedModel| {
            entry.path == located.path && entry.identity == identity && entry.is_usable()
        };
        if let Some(index) = cached.iter().position(is_current) {
            cached[..=index].rotate_right(1);
        } else {
            cached.retain(|entry| entry.path != located.path);
            let outcome = self.load(&located, identity);
            if let Err(error @ ModelError::Changing { .. }) = outcome {
                return Err(error);
            }
            cached.insert(0, CachedModel { path: located.path, identity, outcome });
            cached.truncate(self.capacity);
        }
        cached[0].outcome.clone()
    }

    fn load(&self, located: &LocatedModel, identity: FileIdentity) -> Result<Arc<WhisperModel>, ModelError> {
        let (header, mut file) = located.open()?;
        let sha256 = hash::<Sha256>(&mut file).map_err(|error| located.unreadable(&error))?;
        let is_large_v1 = alignment_heads::is_ambiguous(header)
            && catalog::find("large-v1")
                .is_some_and(|model| hash::<sha1::Sha1>(&mut file).is_ok_and(|found| found == model.sha1));
        let heads = alignment_heads::parameters(header, is_large_v1);
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
