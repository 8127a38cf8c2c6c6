//! Alignment heads: the cross-attention heads from which token times are measured.

use whisper_rs::{DtwMode, DtwModelPreset, DtwParameters};

use crate::ModelHeader;

/// Arena of one alignment: a few tensors of tokens × 1 500 frames × heads × 4 bytes. Untouched pages are not resident.
const MEMORY: usize = 512 << 20;

/// Whether several published models have these dimensions.
pub(crate) const fn is_ambiguous(header: ModelHeader) -> bool {
    header.text_layers == 32 && header.mel_bands == 80
}

/// The heads published by OpenAI for models of these dimensions; none for other dimensions. `is_large_v1` selects between
/// large-v1 and large-v2, which have the same dimensions.
pub(crate) fn parameters(header: ModelHeader, is_large_v1: bool) -> Option<DtwParameters<'static>> {
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
        (32, 1_280, 80) if is_large_v1 => Heads::LargeV1,
        (32, 1_280, 80) => Heads::LargeV2,
        (32, 1_280, 128) => Heads::LargeV3,
        (4, 1_280, 128) => Heads::LargeV3Turbo,
        _ => return None,
    };
    Some(DtwParameters { mode: DtwMode::ModelPreset { model_preset }, dtw_mem_size: MEMORY })
}

/// Bias of the token times of a model, in samples: measured against forced alignment (docs/words.md), 0 where unmeasured.
pub(crate) const fn time_bias(header: ModelHeader) -> usize {
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
    fn alignment_heads_are_selected_by_dimensions() {
        let heads = |header| parameters(header, false).map(|parameters| format!("{:?}", parameters.mode));
        assert!(heads(header(51_864, 4, 384)).unwrap().contains("TinyEn"));
        assert!(heads(header(51_865, 4, 384)).unwrap().contains("Tiny "));
        assert!(heads(header(51_865, 6, 512)).unwrap().contains("Base "));
        assert_eq!(heads(header(51_864, 2, 128)), None);
    }
}
