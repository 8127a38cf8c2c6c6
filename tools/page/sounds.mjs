// Sounds that the walks look for.

/** A part of a WAVE file of 16 bits, mono, at another level. */
export function excerpt(wave, startMs, lengthMs, gain) {
    const rate = wave.readUInt32LE(24);
    const data = wave.indexOf("data") + 8;
    const at = data + 2 * Math.round((startMs * rate) / 1000);
    const samples = new Int16Array(Math.round((lengthMs * rate) / 1000));
    for (const index of samples.keys()) samples[index] = gain * wave.readInt16LE(at + 2 * index);
    return waveFile(samples, rate);
}

/** Two seconds of noise that no recording has. */
export function noise() {
    let state = 12345;
    const samples = Int16Array.from({ length: 32_000 }, () => {
        state = (state * 1103515245 + 12345) % 2147483648;
        return (state / 2147483648 - 0.5) * 16_000;
    });
    return waveFile(samples, 16_000);
}

function waveFile(samples, rate) {
    const head = Buffer.alloc(44);
    head.write("RIFF", 0);
    head.writeUInt32LE(36 + samples.byteLength, 4);
    head.write("WAVEfmt ", 8);
    head.writeUInt32LE(16, 16);
    head.writeUInt16LE(1, 20);
    head.writeUInt16LE(1, 22);
    head.writeUInt32LE(rate, 24);
    head.writeUInt32LE(2 * rate, 28);
    head.writeUInt16LE(2, 32);
    head.writeUInt16LE(16, 34);
    head.write("data", 36);
    head.writeUInt32LE(samples.byteLength, 40);
    return Buffer.concat([head, Buffer.from(samples.buffer)]);
}
