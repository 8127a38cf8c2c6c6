//! Checks that the processor has the instructions that the program is compiled for.

/// Ends the program with an error message where it would otherwise die of an illegal instruction.
///
/// Uses CPUID itself: `is_x86_feature_detected!` assumes the features that the build assumes.
#[inline(never)]
pub(crate) fn require_avx2() {
    #[cfg(target_arch = "x86_64")]
    {
        use std::io::Write;

        if !has_avx2(std::arch::x86_64::__cpuid_count) {
            let message =
                b"error: this program needs a processor with AVX2 (most since 2013), and this one lacks it\n";
            // A failure to write cannot be reported anywhere.
            let _ = std::io::stderr().write_all(message);
            std::process::exit(1);
        }
    }
}

/// Whether the processor has AVX2 and FMA, the newest features of x86-64-v3, by CPUID's answer to a leaf and subleaf
/// (Intel SDM, volume 2A, "CPUID").
#[cfg(target_arch = "x86_64")]
fn has_avx2(cpuid: impl Fn(u32, u32) -> std::arch::x86_64::CpuidResult) -> bool {
    let highest_leaf = cpuid(0, 0).eax;
    highest_leaf >= 7 && cpuid(1, 0).ecx & (1 << 12) != 0 && cpuid(7, 0).ebx & (1 << 5) != 0
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use std::arch::x86_64::CpuidResult;

    use super::has_avx2;

    #[test]
    fn both_features_are_required_and_missing_leaves_not_queried() {
        let answer = |highest: u32, fma: u32, avx2: u32| {
            move |leaf: u32, _: u32| {
                assert!(leaf <= highest, "leaf {leaf} does not exist");
                let (eax, ebx, ecx) = match leaf {
                    0 => (highest, 0, 0),
                    1 => (0, 0, fma << 12),
                    _ => (0, avx2 << 5, 0),
                };
                CpuidResult { eax, ebx, ecx, edx: 0 }
            }
        };
        assert!(has_avx2(answer(7, 1, 1)));
        assert!(!has_avx2(answer(7, 0, 1)));
        assert!(!has_avx2(answer(7, 1, 0)));
        assert!(!has_avx2(answer(6, 1, 1)));
    }
}
