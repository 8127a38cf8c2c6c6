use std::path::Path;

use rustix::fs::{Gid, Uid};

use super::ClusterError;

/// The user that the cluster runs as, if it is not the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Owner {
    /// `None` for an ordinary user; for root, the first unprivileged user below that exists.
    pub(super) fn for_current_user() -> Result<Option<Self>, ClusterError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd =
            std::fs::read_to_string("/etc/passwd").map_err(ClusterError::io("reading /etc/passwd"))?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| find(&passwd, name))
            .map(Some)
            .ok_or(ClusterError::NoUnprivilegedUser)
    }

    pub(super) fn take(self, path: &Path) -> Result<(), ClusterError> {
        rustix::fs::chown(path, Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))
            .map_err(std::io::Error::from)
            .map_err(ClusterError::io(format!("handing {} to the cluster's user", path.display())))
    }
}

/// Looks up a user in passwd(5) lines: `name:password:uid:gid:…`.
fn find(passwd: &str, name: &str) -> Option<Owner> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Owner { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_matched_by_full_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody2:x:7:7::/:/bin/sh\nnobody:x:65534:65533::/:/bin/sh\n";
        assert_eq!(find(passwd, "nobody"), Some(Owner { uid: 65534, gid: 65533 }));
        assert_eq!(find(passwd, "postgres"), None);
    }
}
