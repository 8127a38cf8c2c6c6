//! Values of flags that can be written in more than one way.

use std::net::{SocketAddr, ToSocketAddrs as _};

/// Parses an address to listen on: `127.0.0.1:8090`, `[::1]:8090`, or a host name with a port. Among a name's
/// addresses, the first IPv4 address is taken, else the first.
///
/// # Errors
/// A text in none of these forms, and a name without an address.
pub(crate) fn socket_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let found =
        text.to_socket_addrs().map_err(|error| format!("{error}; use HOST:PORT, e.g. 127.0.0.1:8090"))?;
    let addresses: Vec<SocketAddr> = found.collect();
    let ipv4 = addresses.iter().find(|address| address.is_ipv4());
    ipv4.or(addresses.first()).copied().ok_or_else(|| "the host name has no address".to_owned())
}

/// Units of bytes: decimal and binary.
const UNITS: [(&str, u64); 9] = [
    ("", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// Parses a number of bytes, or one with a unit: `10GB` (10¹⁰), `64 GiB`.
///
/// # Errors
/// A text that is not such a number, and a number of 2⁶⁴ or more.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim().to_lowercase());
    let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    let value =
        number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    value.ok_or_else(|| "use a number of bytes, or one with KB, MB, GB, TB, KiB, MiB, GiB or TiB".to_owned())
}

/// Parses a probability from 0 to 1.
///
/// # Errors
/// A text that is not such a number.
pub(crate) fn probability(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "use a number from 0 to 1".to_owned())
}

/// Parses a number of bytes that have to fit into memory, as [`bytes`].
///
/// # Errors
/// As [`bytes`], and a number beyond the address space.
pub(crate) fn bytes_in_memory(text: &str) -> Result<usize, String> {
    usize::try_from(bytes(text)?).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_decimal_and_binary_units() {
        assert_eq!(bytes("26214400"), Ok(25 << 20));
        assert_eq!(bytes("10GB"), Ok(10_000_000_000));
        assert_eq!(bytes("64 GiB"), Ok(64 << 30));
        assert_eq!(bytes("1kb"), Ok(1_000));
        for wrong in ["", "GB", "-1", "1.5GB", "10 apples", "99999999999 TiB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_may_have_host_names() {
        assert_eq!(socket_address("127.0.0.1:8090"), Ok(SocketAddr::from(([127, 0, 0, 1], 8090))));
        assert!(socket_address("localhost:8090").unwrap().ip().is_loopback());
        assert!(socket_address("8090").is_err());
    }
}
