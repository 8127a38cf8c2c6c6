use proptest::prelude::*;

use super::*;

/// Ids and contents of consecutive chunks; checks that each is padded to an even length.
fn parse(mut bytes: &[u8]) -> Vec<(String, &[u8])> {
    let mut chunks = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_at(8);
        let length = u32::from_le_bytes(head[4..].try_into().unwrap()) as usize;
        chunks.push((String::from_utf8(head[..4].to_vec()).unwrap(), &rest[..length]));
        assert!(length.is_multiple_of(2) || rest[length] == 0, "padded with zero");
        bytes = &rest[length + length % 2..];
    }
    chunks
}

fn u32_at(bytes: &[u8], index: usize) -> u32 {
    u32::from_le_bytes(bytes[4 * index..4 * index + 4].try_into().unwrap())
}

fn looped(label: &str) -> WaveOrigin {
    WaveOrigin {
        description: "Läufer".to_owned(),
        originator: "harkback".to_owned(),
        reference: "a".repeat(40),
        family: "asset_1".to_owned(),
        file: "asset_1-loop-5".to_owned(),
        sample_rate: 48_000,
        first_sample: (1 << 32) + 5,
        properties: vec![("ASSET_ID", "<a&b>".to_owned())],
        cues: vec![Cue { frame: 0, label: label.to_owned() }, Cue { frame: 100, label: String::new() }],
        looped: Some(Loop { frames: 48_000, beats: 2, beats_per_bar: 4, bpm: 120.0 }),
    }
}

#[test]
fn bext_has_the_layout_of_tech_3285() {
    let bytes = chunks(&looped("start"));
    let (id, bext) = &parse(&bytes)[0];
    assert_eq!((id.as_str(), bext.len()), ("bext", 602));
    assert_eq!(&bext[..7], b"L?ufer\0");
    assert_eq!(&bext[256..265], b"harkback\0");
    assert_eq!(&bext[288..320], "a".repeat(32).as_bytes());
    assert_eq!(&bext[320..338], [0; 18], "no date and no time");
    assert_eq!(&bext[338..346], &((1_u64 << 32) + 5).to_le_bytes());
    assert_eq!(&bext[346..348], [1, 0]);
    assert!(bext[348..].iter().all(|byte| *byte == 0));
}

#[test]
fn ixml_is_valid_xml_with_ids_and_time() {
    let bytes = chunks(&looped("start"));
    let text = std::str::from_utf8(parse(&bytes)[1].1).unwrap();
    let document = roxmltree::Document::parse(text).unwrap();
    let element = |name: &str| {
        document.descendants().find(|node| node.has_tag_name(name)).and_then(|node| node.text()).unwrap()
    };
    assert_eq!(document.root_element().tag_name().name(), "BWFXML");
    assert_eq!((element("FILE_UID"), element("FAMILY_UID")), ("asset_1-loop-5", "asset_1"));
    assert_eq!((element("ASSET_ID"), element("NOTE")), ("<a&b>", "Läufer"));
    assert_eq!(element("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI"), "1");
    assert_eq!(element("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO"), "5");
}

#[test]
fn cue_points_and_loops_have_their_layouts() {
    let bytes = chunks(&looped("grüße"));
    let found = parse(&bytes);
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["bext", "iXML", "cue ", "LIST", "smpl", "acid"]);
    let [cue, list, smpl, acid] = [2, 3, 4, 5].map(|index: usize| found[index].1);
    assert_eq!((cue.len(), u32_at(cue, 0), u32_at(cue, 1), u32_at(cue, 2)), (52, 2, 1, 0));
    assert_eq!((&cue[12..16], u32_at(cue, 7), u32_at(cue, 12)), (&b"data"[..], 2, 100));
    assert_eq!(&list[..4], b"adtl");
    let labels = parse(&list[4..]);
    assert_eq!(labels, [("labl".to_owned(), &b"\x01\0\0\0gr\xc3\xbc\xc3\x9fe\0"[..])], "one has no label");
    assert_eq!((smpl.len(), u32_at(smpl, 2), u32_at(smpl, 7)), (60, 20_833, 1));
    assert_eq!((u32_at(smpl, 10), u32_at(smpl, 11), u32_at(smpl, 12)), (0, 0, 47_999));
    assert_eq!((acid.len(), u32_at(acid, 3)), (24, 2));
    assert_eq!(&acid[16..20], [4, 0, 4, 0]);
    assert_eq!(f32::from_le_bytes(acid[20..].try_into().unwrap()), 120.0);
}

#[test]
fn labels_are_cut_at_a_character() {
    let bytes = chunks(&looped(&"é".repeat(150)));
    let found = parse(&bytes);
    let label = parse(&found[3].1[4..])[0].1;
    assert_eq!(&label[4..], [&"é".repeat(100).into_bytes()[..], b"\0"].concat());
}

#[test]
fn chunks_of_a_plain_file_are_bext_and_ixml() {
    let bytes = chunks(&WaveOrigin::default());
    let ids: Vec<String> = parse(&bytes).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["bext", "iXML"]);
}

#[test]
fn data_bytes_are_limited_to_what_riff_can_declare() {
    assert_eq!(data_bytes(2, 10), Some(80));
    assert_eq!(data_bytes(1, 1 << 30), None);
    assert_eq!(data_bytes(usize::MAX, u64::MAX), None);
    let most = (0..).map(|less| (1_u64 << 30) - less).find(|frames| data_bytes(1, *frames).is_some());
    let format = FloatFormat { channels: 1, rate: 48_000, speaker_mask: 4 };
    let header = header(&format, most.unwrap(), &[0; MAX_CHUNK_BYTES]);
    let declared = u64::from(u32_at(&header, 1));
    assert_eq!(declared, header.len() as u64 - 8 + 4 * most.unwrap(), "not saturated");
}

proptest! {
    #[test]
    fn riff_size_includes_chunks_and_samples(
        channels in 1u16..9, rate in 1u32..400_000, frames in 0u64..1_000_000, label in ".{0,300}",
    ) {
        let extra = chunks(&looped(&label));
        prop_assert!(extra.len().is_multiple_of(2) && extra.len() < MAX_CHUNK_BYTES);
        let header = header(&FloatFormat { channels, rate, speaker_mask: 0 }, frames, &extra);
        let data = data_bytes(usize::from(channels), frames).unwrap();
        prop_assert_eq!(u64::from(u32_at(&header, 1)), header.len() as u64 - 8 + data);
        prop_assert_eq!(&header[8..12], b"WAVE");
        let declared = header.len() - 4;
        prop_assert_eq!(u64::from(u32_at(&header[declared..], 0)), data);
        let found = parse(&header[12..declared - 4]);
        let fmt = found[0].1;
        prop_assert_eq!((found[0].0.as_str(), fmt.len()), ("fmt ", if channels > 2 { 40 } else { 18 }));
        prop_assert_eq!(u16::from_le_bytes([fmt[2], fmt[3]]), channels);
        prop_assert_eq!((found[1].0.as_str(), u64::from(u32_at(found[1].1, 0))), ("fact", frames));
        prop_assert_eq!(&header[header.len() - 8 - extra.len()..header.len() - 8], &extra[..]);
    }
}
