// Pointer, wheel and touch on the lanes: click, scrub, mark a window, pan, zoom.

/** Pixels that a press may move and still be a click. */
const CLICK = 4;

/** Calls `act` for gestures on `stage`; zooming and panning change `axis`. */
export function gestures(stage, axis, act) {
    const pressed = new Map();
    let press = null,
        pinch = null;
    const at = event => {
        const box = stage.getBoundingClientRect();
        return [event.clientX - box.left, event.clientY - box.top];
    };

    stage.addEventListener(
        "wheel",
        event => {
            event.preventDefault();
            const [x] = at(event);
            const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
            if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
                axis.pan((event.deltaX || event.deltaY) * unit * axis.msPerPixel);
            } else {
                axis.zoom(2 ** ((-event.deltaY * unit) / 240), axis.ms(x));
            }
        },
        { passive: false },
    );

    stage.addEventListener("pointerdown", event => {
        if (event.button !== 0) return;
        const [x, y] = at(event);
        stage.setPointerCapture(event.pointerId);
        pressed.set(event.pointerId, x);
        if (pressed.size === 2) {
            const [a, b] = [...pressed.values()];
            pinch = { distance: Math.abs(a - b) || 1, span: axis.span };
            press = null;
            return;
        }
        press = {
            x,
            y,
            moved: false,
            mode: act.isRuler(y) ? "scrub" : event.pointerType === "touch" ? "pan" : "mark",
            from: axis.from,
        };
        if (press.mode === "scrub") act.scrub(x);
    });

    stage.addEventListener("pointermove", event => {
        const [x, y] = at(event);
        if (pressed.has(event.pointerId)) pressed.set(event.pointerId, x);
        if (pinch && pressed.size === 2) {
            const [a, b] = [...pressed.values()];
            const wanted = (pinch.span * pinch.distance) / (Math.abs(a - b) || 1);
            axis.zoom(axis.span / wanted, axis.ms((a + b) / 2));
            return;
        }
        act.hover(x, y);
        if (!press) return;
        if (Math.abs(x - press.x) > CLICK) press.moved = true;
        if (!press.moved) return;
        if (press.mode === "scrub") act.scrub(x);
        else if (press.mode === "mark") act.mark(press.x, x);
        else
            axis.show(
                press.from - (x - press.x) * axis.msPerPixel,
                press.from - (x - press.x) * axis.msPerPixel + axis.span,
            );
    });

    const release = event => {
        pressed.delete(event.pointerId);
        if (pressed.size < 2) pinch = null;
        if (!press) return;
        const { moved, mode } = press;
        press = null;
        if (!moved && mode !== "scrub" && event.type === "pointerup") act.click(...at(event));
    };
    stage.addEventListener("pointerup", release);
    stage.addEventListener("pointercancel", release);
    stage.addEventListener("pointerleave", () => act.hover(null));
}
