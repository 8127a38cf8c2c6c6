//! Decodes the frame number from a frame of the coded video.

use super::source::CODE_BITS;

/// Minimum difference of luma between a square and the one above or below it; otherwise it is unreadable.
const MIN_CONTRAST: u32 = 60;
/// Columns with a higher mean luma in either half belong to the coded video, not to its letterbox.
const WHITE: u32 = 128;

/// Luma plane of one frame.
#[derive(Debug)]
pub(crate) struct VideoFrame {
    pub(crate) width: usize,
    pub(crate) luma: Vec<u8>,
}

impl VideoFrame {
    /// The number coded in the frame, regardless of the position of the coded video on the canvas; `None` for other
    /// frames.
    ///
    /// Each column is white in one half, so the white columns are the video; it is centred, so the
    /// halves meet in the middle of the canvas.
    pub(crate) fn number(&self) -> Option<u32> {
        let height = self.luma.len() / self.width;
        // Rows at 30 to 40 % and 60 to 70 % of the height: away from the middle and from the border of the widest
        // letterbox.
        let top: Vec<u32> = self.column_means(height * 3 / 10, height * 2 / 5);
        let bottom: Vec<u32> = self.column_means(height * 3 / 5, height * 7 / 10);
        let is_white = |column: &usize| top[*column].max(bottom[*column]) > WHITE;
        let first = (0..self.width).find(is_white)?;
        let last = (0..self.width).rfind(is_white)?;
        let square = (last + 1 - first) as f64 / CODE_BITS as f64;
        (0..CODE_BITS).try_fold(0, |number, bit| {
            let middle = first + ((bit as f64 + 0.5) * square) as usize;
            let contrast = top[middle].abs_diff(bottom[middle]);
            let value = u32::from(top[middle] > bottom[middle]);
            (contrast >= MIN_CONTRAST).then_some(number | value << bit)
        })
    }

    fn column_means(&self, from: usize, to: usize) -> Vec<u32> {
        let rows = self.luma.chunks_exact(self.width).skip(from).take(to - from);
        let mut sums = vec![0; self.width];
        for row in rows {
            for (sum, luma) in sums.iter_mut().zip(row) {
                *sum += u32::from(*luma);
            }
        }
        sums.into_iter().map(|sum| sum / (to - from) as u32).collect()
    }
}
