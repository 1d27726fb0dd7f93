import { describe, expect, it, vi } from "vitest";
import { type LayerHistory, Layers } from "../src/ui/layers/layers";

interface Entry {
  readonly address: string;
  readonly state: unknown;
}

/** A history that moves later, as that of a browser does: when `settle` lets it. */
class FakeHistory implements LayerHistory {
  entries: Entry[];
  at: number;
  moved: () => void = () => undefined;
  #requested: number[] = [];

  constructor(entries: readonly Entry[] = [{ address: "list", state: null }], at = entries.length - 1) {
    this.entries = [...entries];
    this.at = at;
  }

  get state(): unknown {
    return this.entries[this.at]?.state;
  }

  pushState(state: unknown): void {
    this.open(this.address, state);
  }

  replaceState(state: unknown): void {
    this.entries[this.at] = { address: this.address, state };
  }

  go(delta: number): void {
    this.#requested.push(delta);
  }

  /** Makes the requested moves, and those that they lead to. */
  async settle(): Promise<void> {
    await microtasks();
    for (let delta = this.#requested.shift(); delta !== undefined; delta = this.#requested.shift()) {
      this.at += delta;
      this.moved();
      await microtasks();
    }
  }

  open(address: string, state: unknown = null): void {
    this.entries.splice(++this.at, this.entries.length, { address, state });
  }

  /** Opens an address by a link or a script. */
  visit(address: string): void {
    this.open(address);
    this.moved();
  }

  get address(): string {
    return this.entries[this.at]?.address ?? "";
  }

  /** The addresses up to the current entry. */
  get trail(): string {
    return this.entries
      .slice(0, this.at + 1)
      .map(({ address, state }) => address + ((state as { layer?: number } | null)?.layer ?? ""))
      .join(" ");
  }
}

function setUp(history = new FakeHistory(), hasEntries = true) {
  const layers = new Layers(history, hasEntries);
  history.moved = () => layers.moved();
  /** Opens something that removes itself when it is closed, as a component does. */
  const show = (isOfPage = false) => {
    const closed = vi.fn(() => remove());
    const remove = layers.add(closed, { isOfPage });
    return closed;
  };
  return { history, layers, show };
}

/** Resolves when all microtasks are over, also those that others add. */
const microtasks = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe("layers", () => {
  it("lets Back close a state of the page, which stays when something else is opened", async () => {
    const { history, layers, show } = setUp();
    const filter = show(true);
    await history.settle();
    layers.leave(() => history.visit("conversation"));
    await history.settle();
    expect(history.trail).toBe("list conversation");
    expect(filter).not.toHaveBeenCalled();
    history.go(-1);
    await history.settle();
    const again = show(true);
    await history.settle();
    expect(history.trail).toBe("list list1");
    history.go(-1);
    await history.settle();
    expect(again).toHaveBeenCalledOnce();
    expect(history.trail).toBe("list");
  });

  it("adds an entry for each, which Back leaves one by one", async () => {
    const { history, show } = setUp();
    const panel = show();
    await history.settle();
    const dialog = show();
    await history.settle();
    expect(history.trail).toBe("list list1 list2");
    history.go(-1);
    await history.settle();
    expect(dialog).toHaveBeenCalledOnce();
    expect(panel).not.toHaveBeenCalled();
    history.go(-1);
    await history.settle();
    expect(panel).toHaveBeenCalledOnce();
    expect(history.trail).toBe("list");
  });

  it("keeps what refuses to be closed by Back, with its entry", async () => {
    const { history, layers, show } = setUp();
    const panel = show();
    await history.settle();
    const closed = vi.fn();
    const isKept = vi.fn(() => true);
    const remove = layers.add(closed, { isKept });
    await history.settle();
    history.go(-1);
    await history.settle();
    expect(isKept).toHaveBeenCalledOnce();
    expect(closed).not.toHaveBeenCalled();
    expect(history.trail).toBe("list list1 list2");
    // More steps at once stop there too.
    history.go(-2);
    await history.settle();
    expect(panel).not.toHaveBeenCalled();
    expect(history.trail).toBe("list list1 list2");
    remove();
    await history.settle();
    expect(history.trail).toBe("list list1");
  });

  it("leads to what is opened while the entry of what was closed is being left", async () => {
    const { history, show } = setUp();
    const close = show();
    await history.settle();
    close();
    // The request to move back is made, and not followed yet.
    await Promise.resolve();
    history.visit("other");
    await history.settle();
    expect(history.trail).toBe("list other");
  });

  it("removes the entry of what is closed otherwise, and opens nothing again when the reader moves forward", async () => {
    const { history, show } = setUp();
    const close = show();
    await history.settle();
    close();
    await history.settle();
    expect(history.trail).toBe("list");
    history.go(1);
    await history.settle();
    expect(history.trail).toBe("list");
  });

  it("keeps one entry when one follows another", async () => {
    const { history, layers } = setUp();
    const remove = layers.add(vi.fn());
    await history.settle();
    remove();
    layers.add(vi.fn());
    await history.settle();
    expect(history.trail).toBe("list list1");
    expect(history.entries).toHaveLength(2);
  });

  it("adds no entry for what is closed at once", async () => {
    const { history, show } = setUp();
    show()();
    await history.settle();
    expect(history.entries).toHaveLength(1);
  });

  it("opens a page from a dialog with one entry more", async () => {
    const { history, layers, show } = setUp();
    const panel = show();
    const dialog = show();
    await history.settle();
    layers.leave(() => history.open("conversation"));
    await history.settle();
    expect(dialog).toHaveBeenCalledOnce();
    expect(panel).toHaveBeenCalledOnce();
    expect(history.trail).toBe("list conversation");
    expect(history.entries).toHaveLength(2);
  });

  it("leaves open what is open when something waits until nothing is", async () => {
    const { history, layers, show } = setUp();
    const dialog = show();
    await history.settle();
    const go = vi.fn();
    layers.whenEmpty(go);
    await history.settle();
    expect(dialog).not.toHaveBeenCalled();
    expect(go).not.toHaveBeenCalled();
    dialog();
    await history.settle();
    expect(go).toHaveBeenCalledOnce();
    layers.whenEmpty(go);
    expect(go).toHaveBeenCalledTimes(2);
  });

  it("opens a page at once where nothing is open", () => {
    const { history, layers } = setUp();
    layers.leave(() => history.open("conversation"));
    expect(history.trail).toBe("list conversation");
  });

  it("puts what a page opens with above the page", async () => {
    const { history, layers, show } = setUp();
    show();
    await history.settle();
    layers.leave(() => history.open("conversation"));
    show();
    await history.settle();
    expect(history.trail).toBe("list conversation conversation1");
  });

  it("leaves the entries of a reloaded page", async () => {
    const list = { address: "list", state: null };
    const { history } = setUp(new FakeHistory([list, { address: "list", state: { layer: 1 } }]));
    await history.settle();
    expect(history.trail).toBe("list");
  });

  it("skips an entry that was left below another page", async () => {
    const { history, show } = setUp();
    const dialog = show();
    await history.settle();
    // The reader has typed an address.
    history.open("conversation");
    history.moved();
    expect(dialog).toHaveBeenCalledOnce();
    history.go(-1);
    await history.settle();
    expect(history.trail).toBe("list");
  });

  it("does not wait for a move that never happens", async () => {
    vi.useFakeTimers();
    const { history, layers, show } = setUp();
    const close = show();
    await vi.advanceTimersByTimeAsync(0);
    history.go = () => undefined;
    close();
    layers.leave(() => history.open("conversation"));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(history.address).toBe("conversation");
    vi.useRealTimers();
  });

  it("adds no entries in a frame, and closes what is open when the frame moves", async () => {
    const { history, layers, show } = setUp(new FakeHistory(), false);
    const dialog = show();
    await history.settle();
    expect(history.entries).toHaveLength(1);
    history.moved();
    expect(dialog).toHaveBeenCalledOnce();
    const other = show();
    layers.leave(() => history.open("conversation"));
    expect(other).toHaveBeenCalledOnce();
    expect(history.trail).toBe("list conversation");
  });
});
