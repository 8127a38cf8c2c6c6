//! Extracts features for fitting the roles of hits (`tools/hits/fit.py`): reads hits from standard input, each as its sample
//! rate and its number of samples (32 bits, little endian), then the samples as 32-bit floats; writes the features of each
//! as 32-bit floats, zeros for silence.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};

use audio_signal::{HIT_FEATURES, hit_features};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut input, mut output) = (io::stdin().lock(), io::BufWriter::new(io::stdout().lock()));
    let mut header = [[0; 4]; 2];
    loop {
        match input.read_exact(header.as_flattened_mut()) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            read => read?,
        }
        let [rate, count] = header.map(u32::from_le_bytes);
        let mut bytes = vec![0; 4 * count as usize];
        input.read_exact(&mut bytes)?;
        let samples: Vec<f32> =
            bytes.as_chunks::<4>().0.iter().map(|sample| f32::from_le_bytes(*sample)).collect();
        let features = hit_features(&samples, rate).unwrap_or([0.0; HIT_FEATURES]);
        output.write_all(&features.map(f32::to_le_bytes).concat())?;
    }
    output.flush()?;
    Ok(())
}
