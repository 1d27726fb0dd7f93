// Socket.IO protocol, revision 5, over one WebSocket of Engine.IO, revision 4: as much of both as a chat page needs.
//
//   from the server   0{…} opened   2 ping   40{…} connected   44{…} refused   41 put out   42[…] event   43ID[…] ack
//   to the server     3 pong   40{…} connect with auth   42[…] event   42ID[…] event that wants an ack

const HANDSHAKE_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * A socket that connects again, ever less often, until it is closed. It calls `connected()`, `lost()`, `event(name,
 * payload)`, and `refused(code)`, after which it rests until `open` or `openLater` is called. `auth()` answers what to
 * connect with.
 */
export class ChatSocket {
  connected = false;
  #url;
  #auth;
  #listener;
  #webSocket = null;
  #watchdog; // a timer
  #patienceMs = HANDSHAKE_MS;
  #pause; // another
  #pauseMs = FIRST_PAUSE_MS;
  #acks = new Map();
  #nextAck = 0;

  constructor(url, auth, listener) {
    this.#url = url;
    this.#auth = auth;
    this.#listener = listener;
  }

  open() {
    this.close();
    this.#webSocket = new WebSocket(this.#url);
    this.#webSocket.onmessage = ({ data }) => this.#receive(data);
    this.#webSocket.onclose = () => this.#lose();
    this.#patienceMs = HANDSHAKE_MS;
    this.#watch();
  }

  /** Opens after a pause, which doubles each time until a connection succeeds. */
  openLater() {
    this.close();
    // Not all at the same moment, when a server comes back to many pages.
    this.#pause = setTimeout(() => this.open(), this.#pauseMs * (0.75 + Math.random() / 2));
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  close() {
    clearTimeout(this.#pause);
    clearTimeout(this.#watchdog);
    this.connected = false;
    if (this.#webSocket !== null) {
      // A dead network takes minutes to close a socket; nobody has to wait for that.
      this.#webSocket.onmessage = this.#webSocket.onclose = null;
      this.#webSocket.close();
      this.#webSocket = null;
    }
    for (const { reject } of this.#acks.values()) reject(new Error("The connection was lost."));
    this.#acks.clear();
  }

  /** Sends an event of which nothing comes back; without a connection it is dropped. */
  tell(name, payload) {
    if (this.connected) this.#webSocket.send(`42${JSON.stringify([name, payload])}`);
  }

  /** Sends an event and resolves to its acknowledgement; rejects when the connection is lost before that came. */
  async ask(name, payload) {
    if (!this.connected) throw new Error("There is no connection.");
    const id = this.#nextAck++;
    this.#webSocket.send(`42${id}${JSON.stringify([name, payload])}`);
    return await new Promise((resolve, reject) => this.#acks.set(id, { resolve, reject }));
  }

  #receive(packet) {
    this.#watch();
    const [, type, id, json] = /^([023]|4[0-4])(\d*)(.*)$/s.exec(packet) ?? [];
    const data = json ? JSON.parse(json) : null;
    switch (type) {
      case "0":
        this.#patienceMs = data.pingInterval + data.pingTimeout;
        this.#webSocket.send(`40${JSON.stringify(this.#auth())}`);
        break;
      case "2":
        this.#webSocket.send("3");
        break;
      case "40":
        this.connected = true;
        this.#pauseMs = FIRST_PAUSE_MS;
        this.#listener.connected();
        break;
      case "41":
        this.#lose();
        break;
      case "42":
        this.#listener.event(...data);
        break;
      case "43":
        this.#acks.get(Number(id))?.resolve(data[0]);
        this.#acks.delete(Number(id));
        break;
      case "44":
        this.close();
        this.#listener.refused(data.data?.code ?? data.message);
        break;
    }
  }

  // The server pings; when it has been silent for too long, the connection is dead, whatever the browser believes.
  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#lose(), this.#patienceMs);
  }

  #lose() {
    this.openLater();
    this.#listener.lost();
  }
}
