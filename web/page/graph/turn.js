// Waiting for the messages that have come already.

/** Lets other messages have their turn, sooner than a timer would. */
export function turn() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((done) => {
    port1.onmessage = () => {
      port1.close();
      done(undefined);
    };
    port2.postMessage(null);
  });
}
