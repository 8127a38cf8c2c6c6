// Server-sent events by fetch, because EventSource sends no headers.

/** Yields `{id, event, data}` of a response's body. */
export async function* events(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    try {
        for (;;) {
            const { value, done } = await reader.read();
            if (done) return;
            text += value;
            let end;
            while ((end = text.indexOf("\n\n")) >= 0) {
                const event = parse(text.slice(0, end));
                text = text.slice(end + 2);
                if (event.data !== "") yield event;
            }
        }
    } finally {
        reader.cancel().catch(() => {});
    }
}

function parse(block) {
    const event = { id: "", event: "message", data: "" };
    for (const line of block.split("\n")) {
        const colon = line.indexOf(":");
        if (colon <= 0) continue; // A comment keeps the connection open.
        const name = line.slice(0, colon),
            value = line.slice(colon + 1).replace(/^ /, "");
        if (name === "data") event.data += (event.data && "\n") + value;
        else if (name in event) event[name] = value;
    }
    return event;
}
