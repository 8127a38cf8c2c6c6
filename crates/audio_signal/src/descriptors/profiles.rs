//! Key profiles: how often each pitch class occurs in a key, from its tonic on.

/// D. Temperley, "Music and Probability" (2007), p. 85: from the harmonic analyses of S. Kostka and D. Payne's "Tonal
/// Harmony".
pub(super) const MAJOR: [f64; 12] =
    [0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400];
pub(super) const MINOR: [f64; 12] =
    [0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330];

/// Pearson's correlation of `chroma` with `profile` on the pitch class `tonic`; 0 for a constant chroma.
pub(super) fn correlation(chroma: &[f64; 12], profile: &[f64; 12], tonic: usize) -> f64 {
    let mean = |values: &[f64; 12]| values.iter().sum::<f64>() / 12.0;
    let (of_chroma, of_profile) = (mean(chroma), mean(profile));
    let (mut product, mut squares) = (0.0, [0.0; 2]);
    for (degree, weight) in profile.iter().enumerate() {
        let (x, y) = (chroma[(tonic + degree) % 12] - of_chroma, weight - of_profile);
        product += x * y;
        squares[0] += x * x;
        squares[1] += y * y;
    }
    let norm = (squares[0] * squares[1]).sqrt();
    if norm > 0.0 { product / norm } else { 0.0 }
}
