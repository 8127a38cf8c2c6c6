use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Component, Path, PathBuf};

use blob_store::LocalBlob;
use media_decode::{Source, reopen_file};
use primitives::{AccessLevel, Id, Scope};
use url::Url;

use crate::MediaError;

/// The files outside the store that may be registered: those below a set of directories.
///
/// All other URIs are rejected, regardless of their scheme. `blob://` URIs are not checked by the policy.
#[derive(Clone, Debug, Default)]
pub struct SourcePolicy {
    roots: Vec<Root>,
}

/// A directory below which files may be registered.
#[derive(Clone, Debug)]
enum Root {
    /// A directory shared by all owners.
    Shared(PathBuf),
    /// A directory for each owner: `base`, then a path that contains `{tenant}` or `{env}`.
    Owned { base: PathBuf, template: String },
}

/// The purpose of opening a file outside the store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Opening<'a> {
    /// A caller registers the file.
    Register {
        /// The owner of the asset.
        scope: &'a Scope,
        /// Below the level of an administrator, only the owner's own directories are allowed.
        level: AccessLevel,
    },
    /// The service reads a registered file: in an owned root only the owner's directory is allowed.
    Read {
        /// The tenant that owns the asset.
        tenant_id: &'a Id,
        /// The environment of that tenant.
        env: &'a Id,
    },
}

impl<'a> Opening<'a> {
    const fn owner(self) -> [&'a Id; 2] {
        match self {
            Self::Register { scope, .. } => [&scope.tenant_id, &scope.env],
            Self::Read { tenant_id, env } => [tenant_id, env],
        }
    }
}

impl Root {
    /// A root with its canonical path; for an owned root, the canonical path before the first placeholder.
    fn new(path: &Path) -> io::Result<Self> {
        let is_fixed = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains('{');
        let base: PathBuf = path.components().take_while(is_fixed).collect();
        let template: PathBuf = path.components().skip_while(is_fixed).collect();
        let base = base.canonicalize()?;
        if !base.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        match template.to_str() {
            Some("") => Ok(Self::Shared(base)),
            Some(template) => Ok(Self::Owned { base, template: template.to_owned() }),
            None => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Whether the canonical `path` is below this root, for that caller.
    fn contains(&self, path: &Path, opening: Opening<'_>) -> bool {
        match (self, opening) {
            (Self::Shared(root), Opening::Register { level, .. }) => {
                level == AccessLevel::Admin && path.starts_with(root)
            }
            (Self::Shared(root), Opening::Read { .. }) => path.starts_with(root),
            (Self::Owned { base, template }, opening) => {
                let [tenant, env] = opening.owner().map(Id::as_str);
                // `.` and `..` are valid ids, but not directories of an owner.
                let is_directory = [tenant, env].iter().all(|id| id.bytes().any(|byte| byte != b'.'));
                let own = base.join(template.replace("{tenant}", tenant).replace("{env}", env));
                is_directory && own.canonicalize().is_ok_and(|own| path.starts_with(own))
            }
        }
    }
}

/// A directory that cannot be a source root.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be a source root", path.display())]
pub struct InvalidRoot {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl SourcePolicy {
    /// Allows `file://` URIs of files below `roots`, which must be directories. In a root, `{tenant}` and `{env}` are
    /// replaced by those of the caller. Blocking.
    ///
    /// # Errors
    /// [`InvalidRoot`] for a root that does not exist or is not a directory.
    pub fn new(roots: impl IntoIterator<Item = PathBuf>) -> Result<Self, InvalidRoot> {
        let root = |path: PathBuf| Root::new(&path).map_err(|source| InvalidRoot { path, source });
        Ok(Self { roots: roots.into_iter().map(root).collect::<Result<_, _>>()? })
    }

    /// Opens the file at `uri`. Blocking.
    ///
    /// Links are resolved before the roots are checked, and the resolved path is opened: neither `..` nor a symbolic
    /// link gives access to files outside the roots.
    ///
    /// # Errors
    /// [`MediaError::SourceNotAllowed`] for another scheme or directory; [`MediaError::SourceNeedsAdmin`] for a file
    /// outside the owner's directories that a caller below the level of an administrator registers;
    /// [`MediaError::SourceUnreadable`] for a file that is not regular or cannot be opened.
    pub(crate) fn open(&self, uri: &str, opening: Opening<'_>) -> Result<File, MediaError> {
        let url = Url::parse(uri).map_err(|error| MediaError::SourceNotAllowed(format!("{error}")))?;
        if url.scheme() != "file" {
            return Err(MediaError::SourceNotAllowed(format!("the scheme `{}`", url.scheme())));
        }
        let outside = || match opening {
            Opening::Register { level, .. } if level < AccessLevel::Admin => MediaError::SourceNeedsAdmin,
            _ => MediaError::SourceNotAllowed("the file is not below an allowed directory".to_owned()),
        };
        let path = url.to_file_path().map_err(|()| outside())?;
        // A missing file outside the roots is answered like an existing one, so that existence is not disclosed.
        let Ok(path) = path.canonicalize() else {
            let known = path.ancestors().skip(1).find_map(|ancestor| ancestor.canonicalize().ok());
            return match known {
                Some(ancestor) if self.allows(&ancestor, opening) => {
                    Err(MediaError::SourceUnreadable("there is no such file".to_owned()))
                }
                _ => Err(outside()),
            };
        };
        if !self.allows(&path, opening) {
            return Err(outside());
        }
        let unreadable = |error: io::Error| MediaError::SourceUnreadable(error.kind().to_string());
        // The type is checked before opening, because opening a pipe would wait for its writer.
        if !path.metadata().map_err(unreadable)?.is_file() {
            return Err(MediaError::SourceUnreadable("it is not a regular file".to_owned()));
        }
        File::open(&path).map_err(unreadable)
    }

    fn allows(&self, path: &Path, opening: Opening<'_>) -> bool {
        self.roots.iter().any(|root| root.contains(path, opening))
    }
}

/// The bytes of an asset or artifact, for reading and seeking on a worker thread: every call blocks.
#[derive(Debug)]
pub struct MediaReader(Inner);

#[derive(Debug)]
enum Inner {
    Blob(LocalBlob),
    File(File),
}

impl From<LocalBlob> for MediaReader {
    fn from(blob: LocalBlob) -> Self {
        Self(Inner::Blob(blob))
    }
}

impl From<File> for MediaReader {
    fn from(file: File) -> Self {
        Self(Inner::File(file))
    }
}

/// Lets another program open the same bytes through `/proc/<pid>/fd`, even after the file is renamed or deleted.
impl AsFd for MediaReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Inner::Blob(blob) => blob.as_fd(),
            Inner::File(file) => file.as_fd(),
        }
    }
}

impl Source for MediaReader {
    fn reopen(&self) -> io::Result<Box<dyn Source>> {
        Ok(Box::new(reopen_file(self)?))
    }

    fn file(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }
}

impl Read for MediaReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Inner::Blob(blob) => blob.read(buffer),
            Inner::File(file) => file.read(buffer),
        }
    }
}

impl Seek for MediaReader {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match &mut self.0 {
            Inner::Blob(blob) => blob.seek(position),
            Inner::File(file) => file.seek(position),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<File, MediaError>) -> &'static str {
        match result {
            Ok(_) => "open",
            Err(MediaError::SourceNotAllowed(_)) => "not_allowed",
            Err(MediaError::SourceUnreadable(_)) => "unreadable",
            Err(MediaError::SourceNeedsAdmin) => "needs_admin",
            Err(_) => "other",
        }
    }

    fn owner(tenant: &str) -> Scope {
        Scope { tenant_id: tenant.parse().unwrap(), env: "dev".parse().unwrap() }
    }

    #[test]
    fn owned_roots_have_a_directory_for_each_owner() {
        let base = tempfile::tempdir().unwrap();
        let file = |path: &str| {
            let path = base.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, b"x").unwrap();
            format!("file://{}", path.display())
        };
        let (own, other, shared) = (file("t/t1/dev/a.wav"), file("t/t2/dev/a.wav"), file("shared/a.wav"));
        let roots = [base.path().join("t/{tenant}/{env}"), base.path().join("shared")];
        let policy = SourcePolicy::new(roots).unwrap();
        let open = |uri: &str, tenant, level| {
            code(policy.open(uri, Opening::Register { scope: &owner(tenant), level }))
        };
        assert_eq!(open(&own, "t1", AccessLevel::Write), "open");
        assert_eq!(open(&other, "t1", AccessLevel::Write), "needs_admin");
        assert_eq!(open(&other, "t1", AccessLevel::Admin), "not_allowed");
        assert_eq!(open(&shared, "t1", AccessLevel::Write), "needs_admin");
        assert_eq!(open(&shared, "t1", AccessLevel::Admin), "open");
        assert_eq!(open(&other, "..", AccessLevel::Write), "needs_admin");
        let read = |uri: &str, tenant| {
            let Scope { tenant_id, env } = owner(tenant);
            code(policy.open(uri, Opening::Read { tenant_id: &tenant_id, env: &env }))
        };
        assert_eq!(read(&own, "t1"), "open");
        assert_eq!(read(&shared, "t1"), "open");
        assert_eq!(read(&other, "t1"), "not_allowed", "also where a row names it");
    }

    #[test]
    fn links_and_dots_do_not_escape_the_roots() {
        let base = tempfile::tempdir().unwrap();
        let (root, outside) = (base.path().join("root"), base.path().join("outside"));
        for directory in [&root, &outside] {
            std::fs::create_dir(directory).unwrap();
            std::fs::write(directory.join("a.wav"), b"x").unwrap();
        }
        std::os::unix::fs::symlink(&outside, root.join("link")).unwrap();
        std::os::unix::fs::symlink(root.join("a.wav"), outside.join("in.wav")).unwrap();
        let policy = SourcePolicy::new([root.clone()]).unwrap();
        let admin = Opening::Register { scope: &owner("t1"), level: AccessLevel::Admin };
        let open =
            |path: String| code(policy.open(&format!("file://{}/{path}", base.path().display()), admin));

        assert_eq!(open("root/a.wav".into()), "open");
        assert_eq!(open("outside/in.wav".into()), "open", "the link points into the root");
        assert_eq!(open("root/../root/a.wav".into()), "open");
        assert_eq!(open("root/none.wav".into()), "unreadable");
        assert_eq!(open("root/none/none.wav".into()), "unreadable");
        assert_eq!(open("root".into()), "unreadable", "a directory");
        assert_eq!(open("root/../outside/a.wav".into()), "not_allowed");
        assert_eq!(open("root/%2e%2e/outside/a.wav".into()), "not_allowed");
        assert_eq!(open("root/link/a.wav".into()), "not_allowed");
        assert_eq!(open("root/link/none.wav".into()), "not_allowed");
        assert_eq!(open("outside/none.wav".into()), "not_allowed");
        assert_eq!(open("rootless/a.wav".into()), "not_allowed");
        for uri in ["http://localhost/a.wav", "blob://sha256/00", "a.wav", "file://host/a.wav", ""] {
            assert_eq!(code(policy.open(uri, admin)), "not_allowed", "{uri}");
        }
        assert_eq!(
            code(SourcePolicy::default().open(&format!("file://{}/a.wav", root.display()), admin)),
            "not_allowed"
        );
    }
}
