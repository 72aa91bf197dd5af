// What the server has told: the latest of every topic, and what happened lately.
// The stream resumes by itself where it was cut; a server that began anew sends all.

const RETRY_MS = 2000;
const EVENTS = 300;

export class Store extends EventTarget {
  states = new Map();
  events = [];
  online = false;
  #source = null;

  open() {
    this.#source = new EventSource("/api/stream");
    this.#source.onmessage = (message) => this.#take(JSON.parse(message.data));
    this.#source.onerror = () => this.#lost();
  }

  // Keys of states that look like `exit/+/state`, with the levels that stand for `+`.
  *matching(pattern) {
    const parts = pattern.split("/");
    for (const [name, value] of this.states) {
      const levels = name.split("/");
      if (levels.length !== parts.length) continue;
      if (parts.every((part, i) => part === "+" || part === levels[i])) {
        yield [levels.filter((_, i) => parts[i] === "+"), value];
      }
    }
  }

  #take(frame) {
    this.online = true;
    if (frame.reset) {
      this.states.clear();
      this.events = [];
    }
    for (const [name, value] of Object.entries(frame.states)) {
      if (value === null) this.states.delete(name);
      else this.states.set(name, value);
    }
    this.events = [...this.events, ...frame.events].slice(-EVENTS);
    this.dispatchEvent(new Event("change"));
  }

  #lost() {
    this.online = false;
    this.dispatchEvent(new Event("change"));
    if (this.#source.readyState === EventSource.CLOSED) {
      setTimeout(() => this.open(), RETRY_MS);
    }
  }
}
