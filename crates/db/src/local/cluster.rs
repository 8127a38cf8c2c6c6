use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;

use super::keeper::{Keeper, rotate};
use super::owner::Owner;
use super::predecessor;
use super::{ClusterError, ServerBinaries};

/// Time that an interrupted `initdb` may continue to write.
const CLEAR_TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);
/// The path of a unix socket has at most 108 bytes; Postgres appends `/.s.PGSQL.5432`.
const MAX_SOCKET_DIRECTORY_BYTES: usize = 90;
/// The name of the socket for Postgres' standard port.
const SOCKET: &str = ".s.PGSQL.5432";

/// Whether commits survive a crash of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A commit is on disk: for production data. The server accepts 200 connections.
    Full,
    /// A crash of the machine may lose all data: for tests. The server accepts 300 connections, because many tests
    /// share it, each with its own pool.
    None,
}

impl Durability {
    const fn initdb_options(self) -> &'static [&'static str] {
        match self {
            Self::Full => &[],
            Self::None => &["--no-sync"],
        }
    }

    const fn server_settings(self) -> &'static [&'static str] {
        match self {
            Self::Full => &["max_connections=200"],
            Self::None => {
                &["max_connections=300", "fsync=off", "synchronous_commit=off", "full_page_writes=off"]
            }
        }
    }
}

/// A running private cluster. Dropping it shuts the server down, and so does any end of the process.
#[derive(Debug)]
pub struct Cluster {
    sockets: PathBuf,
    keeper: Keeper,
    _lock: File,
}

impl Cluster {
    /// Starts the cluster in `directory`, creating it first if it does not exist.
    ///
    /// Blocks until the server accepts connections (a first start takes some seconds).
    ///
    /// # Errors
    /// See [`ClusterError`]; its messages name the fix.
    pub fn start(
        binaries: &ServerBinaries,
        directory: &Path,
        durability: Durability,
    ) -> Result<Self, ClusterError> {
        let owner = Owner::for_current_user()?;
        make_directory(directory, owner)?;
        let directory =
            directory.canonicalize().map_err(ClusterError::io(format!("opening {}", directory.display())))?;
        check_reachable(&directory, owner)?;
        let lock = lock(&directory)?;
        let data = directory.join("data");
        if !Self::exists(&directory) {
            initialise(binaries, &directory, &data, durability, owner)?;
        }
        let sockets = socket_directory(&directory);
        make_directory(&sockets, owner)?;

        let log = directory.join("postgres.log");
        let socket = sockets.join(SOCKET);
        predecessor::clear(&data, &socket);
        rotate(&log);
        let server = server_command(binaries, &data, &sockets, &log, durability, owner)?;
        let keeper = Keeper::start(server, data, socket, log)?;
        Ok(Self { sockets, keeper, _lock: lock })
    }

    /// Whether the server has ended and could not be restarted.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.keeper.has_failed()
    }

    /// Whether `directory` has a cluster.
    #[must_use]
    pub fn exists(directory: &Path) -> bool {
        // If the file cannot be checked, `start` reports the reason.
        !matches!(directory.join("data/PG_VERSION").try_exists(), Ok(false))
    }

    /// Whether processes of a server run on the cluster in `directory`, also without the process that started them.
    /// Linux only; elsewhere false.
    #[cfg(feature = "testing")]
    pub(crate) fn is_running(directory: &Path) -> bool {
        predecessor::is_in_use(&[&directory.join("data")])
    }

    /// Connection options for database `name` (`postgres` always exists).
    #[must_use]
    pub fn connect_options(&self, name: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(&self.sockets).username("harkback").database(name)
    }
}

fn make_directory(path: &Path, owner: Option<Owner>) -> Result<(), ClusterError> {
    let failed = || ClusterError::io(format!("making {}", path.display()));
    fs::create_dir_all(path).map_err(failed())?;
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed())?;
    owner.map_or(Ok(()), |owner| owner.take(path))
}

/// Checks that the cluster's user can write to `directory`: a parent directory may deny access (root's home, for
/// example).
fn check_reachable(directory: &Path, owner: Option<Owner>) -> Result<(), ClusterError> {
    if owner.is_none() {
        return Ok(());
    }
    let mut test = command(Path::new("/usr/bin/test"), Path::new("/"), owner);
    let status = test.arg("-w").arg(directory).status();
    match status.map_err(ClusterError::io("running test"))?.success() {
        true => Ok(()),
        false => Err(ClusterError::Unreachable(directory.to_owned())),
    }
}

/// Locks the cluster for one harkback process; the lock is released when the process ends.
fn lock(directory: &Path) -> Result<File, ClusterError> {
    let path = directory.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(ClusterError::io(format!("opening {}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(ClusterError::InUse(directory.to_owned())),
        Err(fs::TryLockError::Error(error)) => {
            Err(ClusterError::io(format!("locking {}", path.display()))(error))
        }
    }
}

/// Creates the cluster in `data.new` and renames it: an interrupted start leaves no partial cluster.
fn initialise(
    binaries: &ServerBinaries,
    directory: &Path,
    data: &Path,
    durability: Durability,
    owner: Option<Owner>,
) -> Result<(), ClusterError> {
    let fresh = directory.join("data.new");
    // An interrupted `initdb` runs in `directory`, the server that it started in `fresh`.
    predecessor::wait_until_unused(&[directory, &fresh]);
    clear(&fresh)?;
    tracing::info!(directory = %data.display(), "making a private Postgres cluster");
    let mut initdb = command(&binaries.program("initdb"), directory, owner);
    die_with_parent(&mut initdb);
    let output = initdb
        .args(["--auth=trust", "--username=harkback", "--encoding=UTF8", "--locale=C", "--no-instructions"])
        .args(durability.initdb_options())
        .arg("--pgdata")
        .arg(&fresh)
        .output()
        .map_err(ClusterError::io("running initdb"))?;
    if !output.status.success() {
        return Err(ClusterError::Init(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    fs::rename(&fresh, data).map_err(ClusterError::io(format!("moving {} into place", data.display())))
}

/// Removes the partial cluster of an interrupted start. Its `initdb` may still be writing, and ends on a write error.
fn clear(fresh: &Path) -> Result<(), ClusterError> {
    let deadline = Instant::now() + CLEAR_TIMEOUT;
    loop {
        match fs::remove_dir_all(fresh) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if Instant::now() >= deadline => {
                return Err(ClusterError::io(format!("clearing {}", fresh.display()))(error));
            }
            Err(_) => std::thread::sleep(POLL),
        }
    }
}

fn server_command(
    binaries: &ServerBinaries,
    data: &Path,
    sockets: &Path,
    log: &Path,
    durability: Durability,
    owner: Option<Owner>,
) -> Result<Command, ClusterError> {
    // Opened for appending, so that it can be emptied while the server writes.
    let log_file = File::options().create(true).append(true).open(log);
    let log_file = log_file.map_err(ClusterError::io(format!("writing {}", log.display())))?;
    let mut server = command(&binaries.program("postgres"), data, owner);
    server.arg("-D").arg(data).arg("-k").arg(sockets);
    for setting in
        ["listen_addresses=", "unix_socket_permissions=0700"].iter().chain(durability.server_settings())
    {
        server.args(["-c", setting]);
    }
    // Its own process group: a Ctrl-C at the terminal reaches harkback alone, which then stops the server cleanly.
    server.process_group(0);
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log_file);
    die_with_parent(&mut server);
    Ok(server)
}

/// Makes the kernel send SIGINT (shut down) to Postgres if harkback is killed.
#[cfg(target_os = "linux")]
fn die_with_parent(server: &mut Command) {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

    let parent = getpid();
    let request = move || {
        set_parent_process_death_signal(Some(Signal::INT))?;
        // The parent may have died before the signal was requested.
        if getppid() == Some(parent) { Ok(()) } else { Err(rustix::io::Errno::SRCH.into()) }
    };
    #[expect(unsafe_code, reason = "`pre_exec` is unsafe to call")]
    // SAFETY: `request` makes system calls only; it allocates nothing and takes no lock.
    unsafe {
        server.pre_exec(request);
    }
}

/// Other kernels send no such signal.
#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command) {}

/// A command in `directory` run as the cluster's user, with an environment of only a locale and a `PATH`.
fn command(program: &Path, directory: &Path, owner: Option<Owner>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
    if let Some(owner) = owner {
        command.uid(owner.uid).gid(owner.gid);
    }
    command
}

/// The socket directory: `run` beside the data, or a temporary directory if that path is too long for a socket.
fn socket_directory(directory: &Path) -> PathBuf {
    let beside = directory.join("run");
    if beside.as_os_str().len() <= MAX_SOCKET_DIRECTORY_BYTES {
        return beside;
    }
    // FNV-1a: a short name that is the same for the same directory.
    let hash = directory.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    std::env::temp_dir().join(format!("harkback-{hash:016x}"))
}
