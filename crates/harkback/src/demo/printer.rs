use std::io::{self, IsTerminal, Stdout, Write, stdout};

/// Prints numbered steps, with what they return below.
pub(super) struct Printer<W> {
    out: W,
    has_style: bool,
    number: usize,
}

impl Printer<Stdout> {
    /// Standard output, styled on a terminal unless `NO_COLOR` is set.
    #[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
    pub(super) fn stdout() -> Self {
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { out: stdout(), has_style: stdout().is_terminal() && !is_plain, number: 0 }
    }
}

impl<W: Write> Printer<W> {
    /// Prints the heading of the next step; `call` is the call or command that it runs, or empty.
    pub(super) fn step(&mut self, title: &str, call: &str) -> io::Result<()> {
        self.number += 1;
        let [bold, dim, plain] = if self.has_style { ["\x1b[1m", "\x1b[2m", "\x1b[0m"] } else { [""; 3] };
        write!(self.out, "\n{bold}{:2}  {title}{plain}", self.number)?;
        if !call.is_empty() {
            write!(self.out, "{dim}  {call}{plain}")?;
        }
        writeln!(self.out)
    }

    /// Prints lines below the heading, indented.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        for line in text.lines() {
            let indent = if line.is_empty() { "" } else { "    " };
            writeln!(self.out, "{indent}{line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(has_style: bool, print: impl Fn(&mut Printer<Vec<u8>>) -> io::Result<()>) -> String {
        let mut printer = Printer { out: Vec::new(), has_style, number: 8 };
        print(&mut printer).unwrap();
        String::from_utf8(printer.out).unwrap()
    }

    #[test]
    fn steps_are_numbered_and_their_text_is_indented() {
        let text = printed(false, |printer| {
            printer.step("Upload", "POST /media-v2/assets")?;
            printer.text("one\n\ntwo")?;
            printer.step("Stop", "")
        });
        assert_eq!(text, "\n 9  Upload  POST /media-v2/assets\n    one\n\n    two\n\n10  Stop\n");
    }

    #[test]
    fn headings_are_styled_on_a_terminal() {
        let text = printed(true, |printer| printer.step("Upload", "POST"));
        assert_eq!(text, "\n\x1b[1m 9  Upload\x1b[0m\x1b[2m  POST\x1b[0m\n");
    }
}
