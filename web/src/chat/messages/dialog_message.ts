/** The message of the open dialog, kept as it is now: what the reader sees is what their choice is about. */

import type { Message } from "@talkwire/client";
import { type ChatPart, onCardChanged, tombstone } from "@talkwire/client/parts";
import type { PageCore } from "../page_core";

export class DialogMessage implements ChatPart {
  readonly #core: PageCore;

  constructor(core: PageCore) {
    this.#core = core;
    core.on("message:updated", (message) => this.#change(message.id, () => message));
    core.on("message:deleted", ({ messageId, deletedAt }) =>
      this.#change(messageId, (message) => tombstone(message, deletedAt)),
    );
    core.on("message:reaction", ({ messageId, reactions }) =>
      this.#change(messageId, (message) => ({ ...message, reactions })),
    );
    onCardChanged(core, ({ messageId, how }) => this.#change(messageId, how));
    core.on("message:pinned", ({ messageId }) => this.#change(messageId, (message) => ({ ...message, pinned: true })));
    core.on("message:unpinned", ({ messageId }) =>
      this.#change(messageId, (message) => ({ ...message, pinned: false })),
    );
  }

  loaded(): void {
    const id = this.#core.now.messageDialog?.message.id;
    if (id !== undefined) void this.load(id).catch(() => undefined);
  }

  /** Loads a message, shows it in the dialog about it, and returns it. Rejects with `RequestError`. */
  async load(messageId: string): Promise<Message> {
    const message = await this.#core.api.get<Message>(`messages/${encodeURIComponent(messageId)}`);
    this.#change(messageId, () => message);
    return message;
  }

  #change(messageId: string, change: (message: Message) => Message): void {
    const { messageDialog } = this.#core.now;
    if (messageDialog === null || messageDialog.message.id !== messageId) return;
    this.#core.state.setState({ messageDialog: { ...messageDialog, message: change(messageDialog.message) } });
  }
}
