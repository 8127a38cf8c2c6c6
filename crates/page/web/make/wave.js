// A rendered buffer as a WAVE file of 32-bit floats, as the service writes them.

/** Highest level of a file: −1 dBFS. */
const CEILING = 10 ** (-1 / 20);
const FLOATS = 3;

/** The file, and the gain in dB that keeps it below the ceiling. */
export function waveFile(buffer, name) {
    const channels = Array.from({ length: buffer.numberOfChannels }, (_, index) => buffer.getChannelData(index));
    let peak = 0;
    for (const samples of channels) for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
    const gain = peak > CEILING ? CEILING / peak : 1;
    const size = buffer.length * channels.length * 4;
    const bytes = new DataView(new ArrayBuffer(44 + size));
    const text = (at, word) => [...word].forEach((letter, index) => bytes.setUint8(at + index, letter.charCodeAt(0)));
    const block = channels.length * 4;
    text(0, "RIFF");
    bytes.setUint32(4, 36 + size, true);
    text(8, "WAVEfmt ");
    bytes.setUint32(16, 16, true);
    bytes.setUint16(20, FLOATS, true);
    bytes.setUint16(22, channels.length, true);
    bytes.setUint32(24, buffer.sampleRate, true);
    bytes.setUint32(28, buffer.sampleRate * block, true);
    bytes.setUint16(32, block, true);
    bytes.setUint16(34, 32, true);
    text(36, "data");
    bytes.setUint32(40, size, true);
    for (let frame = 0, at = 44; frame < buffer.length; frame += 1)
        for (const samples of channels) {
            bytes.setFloat32(at, samples[frame] * gain, true);
            at += 4;
        }
    return { file: new File([bytes], name, { type: "audio/wav" }), gain_db: 20 * Math.log10(gain) };
}
