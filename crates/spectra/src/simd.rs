//! Wider vector instructions, if the processor supports them.

use std::ops::{Deref, DerefMut};

/// Number of sums that the compiler may compute in parallel; fixed, so that results do not depend on the vector width.
pub const WIDTH: usize = 16;

/// Runs `work` compiled for AVX-512 or AVX2 if the processor supports it, or else for the build's target.
///
/// The result is bit-identical: the compiler neither fuses nor reorders operations on floats. Only code that is inlined
/// into `work` is compiled in this way, so both it and its callees are `#[inline(always)]`.
#[inline]
pub fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "code for instructions that not every processor has")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: this processor has AVX-512F, all that `with_avx512` asks for.
            return unsafe { with_avx512(work) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: this processor has AVX2, all that `with_avx2` asks for.
            return unsafe { with_avx2(work) };
        }
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn with_avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// The sum of `values`, whose number is a multiple of [`WIDTH`] (further values are ignored), in the same order on
/// every processor.
#[inline(always)]
#[must_use]
pub fn sum(values: &[f32]) -> f32 {
    let mut sums = [0.0; WIDTH];
    for values in values.as_chunks::<WIDTH>().0 {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    }
    total(&sums)
}

/// The sum of the partial sums.
#[inline(always)]
#[must_use]
pub fn total(sums: &[f32; WIDTH]) -> f32 {
    let quarters: [f32; 4] = std::array::from_fn(|i| sums[i] + sums[i + 4] + sums[i + 8] + sums[i + 12]);
    quarters.iter().sum()
}

/// Values aligned to a cache line: loading a vector that straddles two lines takes twice as long.
pub struct Aligned {
    lines: Vec<Line>,
    length: usize,
}

/// One cache line of values.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([f32; WIDTH]);

impl FromIterator<f32> for Aligned {
    fn from_iter<I: IntoIterator<Item = f32>>(values: I) -> Self {
        let values: Vec<f32> = values.into_iter().collect();
        let mut aligned =
            Self { lines: vec![Line([0.0; WIDTH]); values.len().div_ceil(WIDTH)], length: values.len() };
        aligned.copy_from_slice(&values);
        aligned
    }
}

impl Deref for Aligned {
    type Target = [f32];

    #[inline(always)]
    fn deref(&self) -> &[f32] {
        &bytemuck::must_cast_slice(&self.lines)[..self.length]
    }
}

impl DerefMut for Aligned {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::must_cast_slice_mut(&mut self.lines)[..self.length]
    }
}
