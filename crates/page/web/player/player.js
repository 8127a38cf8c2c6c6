// The media element with what an editor expects of it: frames, windows, loops, marks, shuttle.
import { mediaAddress } from "../lib/api.js";
import { clamp } from "../lib/time.js";

/** Frames per second that arrow keys step by where the recording has no video. */
const AUDIO_STEPS = 25;
/** Half a millisecond into a frame: the start of a frame, as ms, may be rounded to before it. */
const INTO_FRAME = 0.5;

export class Player extends EventTarget {
    constructor(asset) {
        super();
        this.asset = asset;
        this.duration = asset.duration_ms ?? 0;
        this.fps = asset.kind === "video" && asset.fps ? asset.fps : AUDIO_STEPS;
        /** Window that is played: `{start, end, loop}` in ms. */
        this.window = null;
        this.reverse = 0;
        this.media = document.createElement("video");
        this.media.playsInline = true;
        this.media.preload = "auto";
        for (const event of ["play", "pause", "seeked", "ratechange", "loadedmetadata"]) {
            this.media.addEventListener(event, () => this.emit("change"));
        }
        this.media.addEventListener("play", () => this.#watch());
        this.media.addEventListener("seeked", () => this.emit("time"));
        this.media.addEventListener("error", () => this.#reload());
        this.frame = this.frame.bind(this);
    }

    emit(name) {
        this.dispatchEvent(new Event(name));
    }

    /** Reads the address of the content; a link ends after hours, and then a new one is asked for. */
    async load() {
        const path = `/media-v2/assets/${encodeURIComponent(this.asset.id)}/content`;
        this.media.src = await mediaAddress(path, this.asset.size_bytes);
        this.loadedAt = Date.now();
    }

    #reload() {
        const isOld = Date.now() - (this.loadedAt ?? 0) > 60_000;
        if (!isOld) {
            this.failure = this.media.error?.message || "?";
            this.emit("failed");
            return;
        }
        const at = this.time;
        this.load().then(
            () => this.seek(at),
            () => this.emit("failed"),
        );
    }

    get time() {
        return this.media.currentTime * 1000;
    }
    get isPlaying() {
        return !this.media.paused;
    }

    seek(ms) {
        this.stopReverse();
        const at = clamp(ms, 0, this.duration || ms);
        if (this.window && (at < this.window.start - 1 || at > this.window.end + 1)) this.clearWindow();
        this.#jump(at);
    }

    #jump(ms) {
        this.media.currentTime = ms / 1000;
        this.emit("time");
    }

    /** Moves by frames; the start of a frame is a multiple of its duration. */
    step(frames) {
        this.pause();
        const frame = Math.floor(((this.time + INTO_FRAME * 2) * this.fps) / 1000) + frames;
        this.seek((Math.max(0, frame) * 1000) / this.fps + INTO_FRAME);
    }

    toggle() {
        if (this.isPlaying || this.reverse) this.pause();
        else this.play();
    }

    play(rate = 1) {
        this.stopReverse();
        this.media.playbackRate = rate;
        this.media.play().catch(() => {}); // A later pause, or a browser that wants a click first.
    }

    pause() {
        this.stopReverse();
        this.media.pause();
        this.media.playbackRate = 1;
    }

    /** Plays from `start` to `end`; then stops, or begins again. */
    playWindow(start, end, loop = false) {
        this.window = { start, end: Math.max(end, start + 20), loop };
        this.#jump(start);
        this.play();
        this.emit("window");
    }

    setWindow(start, end, loop = true) {
        this.window = end > start ? { start, end, loop } : null;
        this.emit("window");
    }

    clearWindow() {
        if (!this.window) return;
        this.window = null;
        this.emit("window");
    }

    /** L: faster forwards. */
    faster() {
        this.play(this.isPlaying ? Math.min(8, this.media.playbackRate * 2) : 1);
    }

    /** J: backwards, faster each time. Media elements do not play backwards, so this is a sequence of seeks. */
    backwards() {
        this.media.pause();
        this.reverse = this.reverse ? Math.min(8, this.reverse * 2) : 1;
        this.reverseTimer ??= setInterval(() => {
            const at = this.time - 100 * this.reverse;
            this.#jump(Math.max(0, at));
            if (at <= 0) this.stopReverse();
        }, 100);
        this.emit("change");
    }

    stopReverse() {
        clearInterval(this.reverseTimer);
        this.reverseTimer = null;
        this.reverse = 0;
    }

    /** Follows the frames that are shown: those of the video where there are any, else those of the screen. */
    #watch() {
        if (this.watching) return;
        this.watching = true;
        this.#next();
    }

    #next() {
        const isVideo = this.asset.kind === "video" && "requestVideoFrameCallback" in this.media && !document.hidden;
        // A still, or video that ends before its audio, shows no frames: the screen's are the fallback.
        let done = false;
        const once = (_, frame) => {
            if (!done) {
                done = true;
                this.frame(frame?.mediaTime);
            }
        };
        if (isVideo) this.media.requestVideoFrameCallback(once);
        setTimeout(() => requestAnimationFrame(() => once()), isVideo ? 60 : 0);
    }

    frame(mediaTime) {
        const now = mediaTime === undefined ? this.time : mediaTime * 1000;
        this.shownTime = now;
        const { window } = this;
        if (window && this.time >= window.end && this.isPlaying) {
            if (window.loop) this.#jump(window.start);
            else {
                this.media.pause();
                this.media.currentTime = window.end / 1000;
                this.window = null;
                this.emit("window");
            }
        }
        this.emit("time");
        if (this.isPlaying) this.#next();
        else this.watching = false;
    }

    close() {
        this.pause();
        if (this.media.src.startsWith("blob:")) URL.revokeObjectURL(this.media.src);
        this.media.removeAttribute("src");
        this.media.load();
    }
}
