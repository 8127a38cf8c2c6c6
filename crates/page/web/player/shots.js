// Plays a shot list of one recording in its player: shot by shot, each for its duration.

export function playShots(player, shots) {
    let index = -1,
        stopped = false;
    const next = () => {
        index += 1;
        if (stopped || index >= shots.length) return stop();
        const { source_start_ms: start, source_end_ms: end, target_duration_ms: duration } = shots[index];
        player.playWindow(start, Math.min(end, start + duration), false);
    };
    // The player clears a window when it has played it; the user clears it by seeking.
    const onWindow = () => {
        if (player.window !== null) return;
        const { source_end_ms: end, source_start_ms: start, target_duration_ms: duration } = shots[index];
        if (Math.abs(player.time - Math.min(end, start + duration)) < 120) next();
        else stop();
    };
    const stop = () => {
        stopped = true;
        player.removeEventListener("window", onWindow);
    };
    player.addEventListener("window", onWindow);
    next();
    return { stop };
}
