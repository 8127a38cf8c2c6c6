//! Which attention heads of a model follow the sound: what times of tokens are measured by.

use whisper_rs::{DtwMode, DtwModelPreset, DtwParameters};

use crate::ModelHeader;

/// Memory for one alignment: tokens × 1 500 instants × heads × 4 bytes, a few times over. It is reserved, and used as far
/// as needed.
const MEMORY: usize = 512 << 20;

/// Has another model the same dimensions?
pub(crate) const fn is_ambiguous(header: ModelHeader) -> bool {
    header.text_layers == 32 && header.mel_bands == 80
}

/// Measures times with the heads that OpenAI published for models of these dimensions; none for models of other ones.
/// `is_first_large` tells the first large model from the second, whose dimensions are the same.
pub(crate) fn parameters(header: ModelHeader, is_first_large: bool) -> Option<DtwParameters<'static>> {
    use DtwModelPreset as Heads;
    let is_english = header.is_english_only();
    let model_preset = match (header.text_layers, header.width, header.mel_bands) {
        (4, 384, 80) => {
            if is_english {
                Heads::TinyEn
            } else {
                Heads::Tiny
            }
        }
        (6, 512, 80) => {
            if is_english {
                Heads::BaseEn
            } else {
                Heads::Base
            }
        }
        (12, 768, 80) => {
            if is_english {
                Heads::SmallEn
            } else {
                Heads::Small
            }
        }
        (24, 1_024, 80) => {
            if is_english {
                Heads::MediumEn
            } else {
                Heads::Medium
            }
        }
        (32, 1_280, 80) if is_first_large => Heads::LargeV1,
        (32, 1_280, 80) => Heads::LargeV2,
        (32, 1_280, 128) => Heads::LargeV3,
        (4, 1_280, 128) => Heads::LargeV3Turbo,
        _ => return None,
    };
    Some(DtwParameters { mode: DtwMode::ModelPreset { model_preset }, dtw_mem_size: MEMORY })
}

/// How much later than spoken, in samples, the heads of a model put the ends of tokens: measured against forced alignment
/// (docs/words.md), 0 where it was not.
pub(crate) const fn lag(header: ModelHeader) -> usize {
    const MS: usize = crate::RATE as usize / 1_000;
    match (header.text_layers, header.width) {
        (4, 384) if header.is_english_only() => 100 * MS,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(vocabulary: i32, text_layers: i32, width: i32) -> ModelHeader {
        ModelHeader { vocabulary, audio_layers: 4, text_layers, width, mel_bands: 80 }
    }

    #[test]
    fn heads_go_by_dimensions() {
        let heads = |header| parameters(header, false).map(|parameters| format!("{:?}", parameters.mode));
        assert!(heads(header(51_864, 4, 384)).unwrap().contains("TinyEn"));
        assert!(heads(header(51_865, 4, 384)).unwrap().contains("Tiny "));
        assert!(heads(header(51_865, 6, 512)).unwrap().contains("Base "));
        assert_eq!(heads(header(51_864, 2, 128)), None);
    }
}
