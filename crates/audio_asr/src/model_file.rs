//! Validation of a model file before whisper.cpp loads it: whisper.cpp does not validate its input and aborts the whole
//! process on some malformed files.
//!
//! The format (whisper.cpp, `models/convert-pt-to-ggml.py`), little endian: a magic number; eleven dimensions; the
//! mel filter bank; the vocabulary; then tensors to the end of the file.

use std::io::{self, Read, Seek, SeekFrom};

/// The bytes `ggml` as a number.
const MAGIC: u32 = 0x6767_6d6c;
/// Rows of the embedding table of English-only models; models of 99 languages have one more, of 100 languages two more.
const ENGLISH_VOCABULARY: i32 = 51_864;
/// Maximum length of a vocabulary entry in bytes; Whisper's longest has 128.
const MAX_ENTRY: u32 = 1_024;
/// Maximum length of a tensor name, in bytes.
const MAX_NAME: i32 = 128;
/// Number of tensors outside the layers: 7 of the encoder and 4 of the decoder. Each layer of the encoder has 15 more,
/// each layer of the decoder 24.
const FIXED_TENSORS: i32 = 11;
/// The number formats that whisper.cpp can load, as `ftype % 1000`.
const FILE_TYPES: &[i32] = &[0, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14];
/// Tensor types of ggml: number, elements per block, bytes per block.
const TENSOR_TYPES: &[(i32, i64, i64)] = &[
    (0, 1, 4),
    (1, 1, 2),
    (2, 32, 18),
    (3, 32, 20),
    (6, 32, 22),
    (7, 32, 24),
    (8, 32, 34),
    (10, 256, 84),
    (11, 256, 110),
    (12, 256, 144),
    (13, 256, 176),
    (14, 256, 210),
];

/// The dimensions of a model, as declared by its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelHeader {
    /// Rows of the embedding table: text, control and time tokens.
    pub vocabulary: i32,
    /// Number of encoder layers.
    pub audio_layers: i32,
    /// Number of decoder layers.
    pub text_layers: i32,
    /// Width of encoder and decoder.
    pub width: i32,
    /// Number of mel bands.
    pub mel_bands: i32,
}

impl ModelHeader {
    /// Whether the model supports English only.
    #[must_use]
    pub const fn is_english_only(self) -> bool {
        self.vocabulary == ENGLISH_VOCABULARY
    }

    /// Whether the model supports Cantonese, the hundredth language.
    pub(crate) const fn knows_cantonese(self) -> bool {
        self.vocabulary == ENGLISH_VOCABULARY + 2
    }
}

/// Reads a whole model file. If it succeeds, all parts that whisper.cpp reads are present with plausible sizes.
///
/// # Errors
/// The reason, in words, why the file is invalid or cannot be read.
pub fn inspect(file: &mut (impl Read + Seek)) -> Result<ModelHeader, String> {
    let len = file.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
    file.rewind().map_err(|error| error.to_string())?;
    let mut reader = ModelReader { file, left: len };
    if len < 4 || reader.number()? != MAGIC as i32 {
        return Err("it is not a ggml Whisper model".to_owned());
    }
    let header = reader.header()?;
    reader.filters(header)?;
    reader.vocabulary(header)?;
    reader.tensors(header)?;
    Ok(header)
}

struct ModelReader<'a, F> {
    file: &'a mut F,
    left: u64,
}

impl<F: Read + Seek> ModelReader<'_, F> {
    fn bytes(&mut self, buffer: &mut [u8]) -> Result<(), String> {
        self.left = self.left.checked_sub(buffer.len() as u64).ok_or_else(truncated)?;
        self.file.read_exact(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => truncated(),
            _ => error.to_string(),
        })
    }

    fn number(&mut self) -> Result<i32, String> {
        let mut bytes = [0; 4];
        self.bytes(&mut bytes)?;
        Ok(i32::from_le_bytes(bytes))
    }

    fn within(&mut self, field: &str, lowest: i32, highest: i32) -> Result<i32, String> {
        let value = self.number()?;
        if (lowest..=highest).contains(&value) { Ok(value) } else { Err(format!("its {field} is {value}")) }
    }

    fn skip(&mut self, count: i64) -> Result<(), String> {
        let forward = u64::try_from(count).map_err(|_| truncated())?;
        self.left = self.left.checked_sub(forward).ok_or_else(truncated)?;
        self.file.seek_relative(count).map_err(|error| error.to_string())
    }

    fn header(&mut self) -> Result<ModelHeader, String> {
        let vocabulary = self.within("vocabulary size", ENGLISH_VOCABULARY, ENGLISH_VOCABULARY + 2)?;
        self.within("audio context", 1, 1_500)?;
        let width = self.within("audio width", 1, 2_048)?;
        self.heads(width)?;
        let audio_layers = self.within("number of audio layers", 1, 64)?;
        self.within("text context", 8, 448)?;
        self.within("text width", width, width)?;
        self.heads(width)?;
        let text_layers = self.within("number of text layers", 1, 64)?;
        let mel_bands = self.within("number of mel bands", 80, 128)?;
        let file_type = self.number()?;
        if file_type < 0 || !FILE_TYPES.contains(&(file_type % 1_000)) {
            return Err(format!("its number format {file_type} is unsupported"));
        }
        Ok(ModelHeader { vocabulary, audio_layers, text_layers, width, mel_bands })
    }

    fn heads(&mut self, width: i32) -> Result<(), String> {
        let heads = self.within("number of attention heads", 1, 64)?;
        if width % heads == 0 {
            Ok(())
        } else {
            Err(format!("{width} units do not divide into {heads} heads"))
        }
    }

    fn filters(&mut self, header: ModelHeader) -> Result<(), String> {
        let bands = self.within("number of mel filters", header.mel_bands, header.mel_bands)?;
        let bins = self.within("number of frequencies", 201, 201)?;
        self.skip(i64::from(bands) * i64::from(bins) * 4)
    }

    fn vocabulary(&mut self, header: ModelHeader) -> Result<(), String> {
        let mut has_space = false;
        for _ in 0..self.within("number of words", 1, header.vocabulary)? {
            let len = self.number()?.cast_unsigned();
            if len > MAX_ENTRY {
                return Err("its vocabulary is corrupt".to_owned());
            }
            let mut entry = vec![0; len as usize];
            self.bytes(&mut entry)?;
            has_space |= entry == b" ";
        }
        // whisper.cpp looks this entry up and crashes without it.
        if has_space { Ok(()) } else { Err("its vocabulary has no space".to_owned()) }
    }

    fn tensors(&mut self, header: ModelHeader) -> Result<(), String> {
        let expected = FIXED_TENSORS + 15 * header.audio_layers + 24 * header.text_layers;
        let mut found = 0;
        while self.left > 0 {
            self.tensor()?;
            found += 1;
        }
        match found {
            0 => Err("it contains no weights (a file for tests?)".to_owned()),
            _ if found == expected => Ok(()),
            _ => Err(format!("it contains {found} tensors of {expected}")),
        }
    }

    fn tensor(&mut self) -> Result<(), String> {
        let dimensions = self.within("number of tensor dimensions", 1, 4)?;
        let name_len = self.within("tensor name length", 1, MAX_NAME)?;
        let kind = self.number()?;
        let mut elements = 1i64;
        for _ in 0..dimensions {
            let size = self.within("tensor size", 1, i32::MAX)?;
            elements = elements.checked_mul(size.into()).ok_or_else(truncated)?;
        }
        // whisper.cpp counts elements in 32 bits.
        if elements > i32::MAX.into() {
            return Err(format!("one of its tensors has {elements} elements"));
        }
        self.skip(name_len.into())?;
        let known = TENSOR_TYPES.iter().find(|(number, ..)| *number == kind);
        let (_, block, bytes) = known.ok_or_else(|| format!("its tensor type {kind} is unsupported"))?;
        self.skip(elements / block * bytes)
    }
}

fn truncated() -> String {
    "it is cut off".to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    /// The smallest valid file: one layer each, tensors of one element.
    pub(crate) fn smallest(vocabulary: i32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut number = |value: i32| bytes.extend(value.to_le_bytes());
        number(MAGIC as i32);
        for value in [vocabulary, 1_500, 64, 1, 1, 448, 64, 1, 1, 80, 1, 80, 201] {
            number(value);
        }
        bytes.extend(vec![0; 80 * 201 * 4]);
        bytes.extend(1i32.to_le_bytes());
        bytes.extend(1i32.to_le_bytes());
        bytes.push(b' ');
        for _ in 0..FIXED_TENSORS + 15 + 24 {
            for value in [1i32, 1, 0, 1] {
                bytes.extend(value.to_le_bytes());
            }
            bytes.push(b't');
            bytes.extend(1f32.to_le_bytes());
        }
        bytes
    }

    fn verdict(bytes: &[u8]) -> Result<ModelHeader, String> {
        inspect(&mut Cursor::new(bytes))
    }

    #[test]
    fn inspect_accepts_a_complete_file() {
        let header = verdict(&smallest(51_864)).unwrap();
        assert_eq!((header.audio_layers, header.text_layers, header.width), (1, 1, 64));
        assert!(header.is_english_only());
        assert!(!verdict(&smallest(51_865)).unwrap().is_english_only());
        assert!(verdict(&smallest(51_866)).unwrap().knows_cantonese());
    }

    #[test]
    fn inspect_reports_the_reason() {
        let whole = smallest(51_864);
        assert!(verdict(b"").unwrap_err().contains("ggml"));
        assert!(verdict(b"RIFF....WAVEfmt ").unwrap_err().contains("ggml"));
        assert!(verdict(&whole[..40]).unwrap_err().contains("cut off"));
        assert!(verdict(&whole[..whole.len() - 1]).unwrap_err().contains("cut off"));
        assert!(verdict(&whole[..whole.len() - 21]).unwrap_err().contains("49 tensors of 50"));
        let tensors = 50 * 21;
        assert!(verdict(&whole[..whole.len() - tensors]).unwrap_err().contains("no weights"));
    }

    proptest! {
        #[test]
        fn truncated_files_are_rejected(cut in 0usize..65_000) {
            let whole = smallest(51_864);
            let cut = cut % whole.len();
            prop_assert!(verdict(&whole[..cut]).is_err());
        }

        #[test]
        fn corrupt_files_do_not_panic(at in 4usize..200, value: [u8; 4], tail in 0usize..2_000) {
            let mut bytes = smallest(51_864);
            bytes[at..at + 4].copy_from_slice(&value);
            let end = bytes.len() - 1 - tail % 1_000;
            bytes[end] ^= value[0];
            let _ = verdict(&bytes);
        }
    }
}
