//! Writer for the Timed Text Markup Language, in the IMSC 1.1 text profile: <https://www.w3.org/TR/ttml-imsc1.1/>.

use std::collections::{HashMap, HashSet};
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::captions::Caption;
use crate::clock::hms_millis;
use crate::xml::printable;

const PROFILE: &str = "http://www.w3.org/ns/ttml/profile/imsc1.1/text";

/// Formats captions as TTML. `language` is an ISO 639-1 code, empty if unknown.
#[must_use]
pub fn ttml(captions: &[Caption], language: Option<&str>) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
    // Writing to a Vec cannot fail, and quick-xml writes valid UTF-8.
    let _ = document(&mut writer, captions, language.unwrap_or_default());
    let mut text = String::from_utf8(writer.into_inner()).unwrap_or_default();
    text.push('\n');
    text
}

type Xml = Writer<Vec<u8>>;

fn document(writer: &mut Xml, captions: &[Caption], language: &str) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = BytesStart::new("tt").with_attributes([
        ("xmlns", "http://www.w3.org/ns/ttml"),
        ("xmlns:ttm", "http://www.w3.org/ns/ttml#metadata"),
        ("xmlns:ttp", "http://www.w3.org/ns/ttml#parameter"),
        ("xmlns:tts", "http://www.w3.org/ns/ttml#styling"),
        ("ttp:timeBase", "media"),
        ("ttp:contentProfiles", PROFILE),
        ("xml:lang", language),
    ]);
    writer.write_event(Event::Start(root))?;
    let speakers = speakers(captions);
    head(writer, &speakers)?;
    let body = BytesStart::new("body").with_attributes([("region", "bottom"), ("style", "caption")]);
    writer.write_event(Event::Start(body))?;
    writer.write_event(Event::Start(BytesStart::new("div")))?;
    let numbers = speakers.iter().copied().zip(0..).collect();
    for caption in captions {
        paragraph(writer, caption, &numbers)?;
    }
    for name in ["div", "body", "tt"] {
        writer.write_event(Event::End(BytesEnd::new(name)))?;
    }
    Ok(())
}

/// Distinct speakers in order of first appearance.
fn speakers(captions: &[Caption]) -> Vec<&str> {
    let mut seen = HashSet::new();
    let speakers = captions.iter().filter_map(|caption| caption.speaker.as_deref());
    speakers.filter(|speaker| seen.insert(*speaker)).collect()
}

fn head(writer: &mut Xml, speakers: &[&str]) -> io::Result<()> {
    writer.write_event(Event::Start(BytesStart::new("head")))?;
    if !speakers.is_empty() {
        writer.write_event(Event::Start(BytesStart::new("metadata")))?;
        for (index, speaker) in speakers.iter().enumerate() {
            let agent = writer.create_element("ttm:agent");
            let agent = agent.with_attributes([("xml:id", agent_id(index).as_str()), ("type", "person")]);
            agent.write_inner_content(|writer| {
                let name = writer.create_element("ttm:name").with_attribute(("type", "full"));
                name.write_text_content(BytesText::new(&printable(speaker)))?;
                Ok(())
            })?;
        }
        writer.write_event(Event::End(BytesEnd::new("metadata")))?;
    }
    writer.create_element("styling").write_inner_content(|writer| {
        let style = writer.create_element("style").with_attributes([
            ("xml:id", "caption"),
            ("tts:fontFamily", "proportionalSansSerif"),
            ("tts:fontSize", "80%"),
            ("tts:color", "white"),
            ("tts:backgroundColor", "black"),
            ("tts:textAlign", "center"),
        ]);
        style.write_empty()?;
        Ok(())
    })?;
    writer.create_element("layout").write_inner_content(|writer| {
        let region = writer.create_element("region").with_attributes([
            ("xml:id", "bottom"),
            ("tts:origin", "10% 75%"),
            ("tts:extent", "80% 20%"),
            ("tts:displayAlign", "after"),
        ]);
        region.write_empty()?;
        Ok(())
    })?;
    writer.write_event(Event::End(BytesEnd::new("head")))
}

fn paragraph(writer: &mut Xml, caption: &Caption, speakers: &HashMap<&str, usize>) -> io::Result<()> {
    let (begin, end) = (hms_millis(caption.start_ms, '.'), hms_millis(caption.end_ms, '.'));
    let mut paragraph =
        writer.create_element("p").with_attributes([("begin", begin.as_str()), ("end", &end)]);
    if let Some(&index) = caption.speaker.as_deref().and_then(|name| speakers.get(name)) {
        paragraph = paragraph.with_attribute(("ttm:agent", agent_id(index).as_str()));
    }
    // Inline content is not indented: white space would be part of the text.
    let mut inline = Writer::new(Vec::new());
    for (index, line) in caption.lines.iter().enumerate() {
        if index > 0 {
            inline.write_event(Event::Empty(BytesStart::new("br")))?;
        }
        inline.write_event(Event::Text(BytesText::new(&printable(&line.text))))?;
    }
    let inline = String::from_utf8(inline.into_inner()).unwrap_or_default();
    paragraph.write_text_content(BytesText::from_escaped(inline))?;
    Ok(())
}

fn agent_id(index: usize) -> String {
    format!("speaker{}", index + 1)
}
