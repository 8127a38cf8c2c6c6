// A slow network in front of the service, which can be cut: a TCP forwarder.
import net from "node:net";

/** Forwards to `base`, `rate` bytes a second towards the service. */
export async function slowNetwork(base, rate) {
    const { hostname, port } = new URL(base);
    const open = new Set();
    let isCut = false;
    const server = net.createServer(client => {
        if (isCut) return client.destroy();
        const service = net.connect(Number(port), hostname);
        for (const [from, to] of [
            [client, service],
            [service, client],
        ]) {
            open.add(from);
            from.on("error", () => {});
            from.on("close", () => {
                open.delete(from);
                to.destroy();
            });
        }
        service.pipe(client);
        client.on("data", bytes => {
            service.write(bytes);
            client.pause();
            setTimeout(() => client.resume(), (bytes.length / rate) * 1000);
        });
    });
    await new Promise(resolve => server.listen(0, "127.0.0.1", resolve));
    return {
        base: `http://127.0.0.1:${server.address().port}`,
        cut() {
            isCut = true;
            for (const socket of open) socket.destroy();
        },
        restore() {
            isCut = false;
        },
        close() {
            server.close();
            for (const socket of open) socket.destroy();
        },
    };
}
