/** What the reader has written and not sent in conversations that they are no longer in. */

import { RequestError } from "@talkwire/client";
import type { PendingFile, Uploads } from "@talkwire/client/parts";
import type { PageCore } from "../page_core";
import { conversationOf } from "../writing/drafts";
import type { PageMessages } from "./page_messages";

export class LeftBehindWriting {
  readonly #core: PageCore;
  readonly #messages: PageMessages;
  readonly #uploads: Uploads;

  constructor(core: PageCore, messages: PageMessages, uploads: Uploads) {
    this.#core = core;
    this.#messages = messages;
    this.#uploads = uploads;
  }

  /** Shows what the reader has written in a conversation that they are no longer in, so that they can copy it. */
  show(conversationId: string, name: string): void {
    const { outbox, changes, drafts } = this.#messages;
    const isHere = (each: { readonly conversationId: string }): boolean => each.conversationId === conversationId;
    const unsent = outbox.getState().filter(isHere);
    const edits = [...changes.getState().values()].flat().filter(isHere);
    const texts = [
      ...unsent.map(({ content }) => content),
      ...edits.map(({ change }) => (change?.kind === "edit" ? change.content : "")),
      ...drafts.textsOf(conversationId),
    ].filter((text) => text !== "");
    const files = this.#filesOf(conversationId).map((file) => file.name);
    if (texts.length + files.length === 0) {
      this.discard(conversationId);
      return;
    }
    const others = this.#core.now.leftBehind.filter((each) => !isHere(each));
    this.#core.state.setState({ leftBehind: [...others, { conversationId, name, texts, files }] });
  }

  /** Discards what the reader has written in a conversation. */
  discard(conversationId: string): void {
    for (const { id } of this.#filesOf(conversationId)) this.#uploads.remove(id);
    this.#messages.discardAll(conversationId);
    this.#messages.drafts.removeOf(conversationId);
    const leftBehind = this.#core.now.leftBehind.filter((each) => each.conversationId !== conversationId);
    this.#core.state.setState({ leftBehind });
  }

  /** Looks for what was left while the page was closed or disconnected. All conversations are loaded. */
  async find(): Promise<void> {
    const { outbox, changes, drafts } = this.#messages;
    await this.#messages.restored;
    const entries = [...outbox.getState(), ...[...changes.getState().values()].flat()];
    const places = [...drafts.places(), ...this.#uploads.state.getState().map(({ place }) => place)];
    const ids = new Set([...entries.map((entry) => entry.conversationId), ...places.map(conversationOf)]);
    for (const { conversationId } of this.#core.now.leftBehind) ids.delete(conversationId);
    for (const id of ids) if (await this.#isGone(id)) this.show(id, "");
  }

  async #isGone(id: string): Promise<boolean> {
    if (Object.hasOwn(this.#core.now.conversations, id)) return false;
    try {
      await this.#core.api.get(`conversations/${encodeURIComponent(id)}`);
      return false;
    } catch (error) {
      return error instanceof RequestError && !error.isTransient;
    }
  }

  #filesOf(conversationId: string): PendingFile[] {
    return this.#uploads.state.getState().filter(({ place }) => conversationOf(place) === conversationId);
  }
}
