/// `Content-Disposition` (RFC 6266): `inline` or `attachment`, with the file name in plain ASCII and encoded (RFC 8187).
#[must_use]
pub fn content_disposition(is_inline: bool, file_name: Option<&str>) -> String {
    let kind = if is_inline { "inline" } else { "attachment" };
    let Some(name) = file_name else { return kind.to_owned() };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ' | '(' | ')');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let encoded: String = name.bytes().map(encode).collect();
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

fn encode(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}
