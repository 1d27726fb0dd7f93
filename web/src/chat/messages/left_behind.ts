/** What the reader has written and not sent in conversations that they are no longer in. */

import { RequestError } from "@talkwire/client";
import { type OutboxEntry, own, type PendingFile, type Uploads } from "@talkwire/client/parts";
import { texts } from "../../texts";
import type { PageCore } from "../page_core";
import { conversationOf } from "../writing/drafts";
import { WrittenNames } from "../writing/written_names";
import type { PageMessages } from "./page_messages";

export class LeftBehindWriting {
  readonly #core: PageCore;
  readonly #messages: PageMessages;
  readonly #uploads: Uploads;
  readonly #names: WrittenNames;

  constructor(core: PageCore, messages: PageMessages, uploads: Uploads) {
    this.#core = core;
    this.#messages = messages;
    this.#uploads = uploads;
    this.#names = new WrittenNames(core.now.me.id);
    messages.drafts.onSaved = (place) => this.#keepName(conversationOf(place));
    messages.outbox.subscribe((entries) => this.#keepNames(entries));
    messages.changes.subscribe((changes) => this.#keepNames([...changes.values()].flat()));
    uploads.state.subscribe((files) => {
      for (const { place } of files) this.#keepName(conversationOf(place));
    });
    core.state.subscribe((now, before) => {
      if (now.conversations !== before.conversations) this.#keepWhereBack();
    });
  }

  /**
   * Shows what the reader has written in a conversation that they are no longer in, so that they can copy it. `lastName`:
   * the conversation's name, if this page knows it.
   */
  show(conversationId: string, lastName = ""): void {
    const { outbox, changes, drafts } = this.#messages;
    const isHere = (each: { readonly conversationId: string }): boolean => each.conversationId === conversationId;
    const unsent = outbox.getState().filter(isHere);
    const edits = [...changes.getState().values()].flat().filter(isHere);
    const written = [
      ...unsent.map(({ content }) => content),
      ...edits.map(({ change }) => (change?.kind === "edit" ? (change.content ?? "") : "")),
      ...drafts.textsOf(conversationId),
    ].filter((text) => text !== "");
    const files = this.#filesOf(conversationId).map((file) => file.name);
    if (written.length + files.length === 0) {
      this.discard(conversationId);
      return;
    }
    if (lastName !== "") this.#names.keep(conversationId, lastName);
    const name = lastName || this.#names.get(conversationId);
    const others = this.#core.now.leftBehind.filter((each) => !isHere(each));
    this.#core.state.setState({ leftBehind: [...others, { conversationId, name, texts: written, files }] });
  }

  /** Discards what the reader has written in a conversation. */
  discard(conversationId: string): void {
    for (const { id } of this.#filesOf(conversationId)) this.#uploads.remove(id);
    this.#messages.discardAll(conversationId);
    this.#messages.drafts.removeOf(conversationId);
    this.#names.remove(conversationId);
    const leftBehind = this.#core.now.leftBehind.filter((each) => each.conversationId !== conversationId);
    this.#core.state.setState({ leftBehind });
  }

  /** Looks for what was left while the page was closed or disconnected. All conversations are loaded. */
  async find(): Promise<void> {
    await this.#messages.restored;
    const ids = this.#written();
    this.#names.removeOthers(ids);
    for (const id of ids) this.#keepName(id);
    for (const { conversationId } of this.#core.now.leftBehind) ids.delete(conversationId);
    for (const id of ids) if (await this.#isGone(id)) this.show(id);
  }

  /** Removes the names that this browser has kept: of all conversations, or of those in which nothing is written. */
  forgetNames(ofAll: boolean): void {
    this.#names.removeOthers(ofAll ? new Set() : this.#written());
  }

  /** Returns the conversations in which something was written and not sent. */
  #written(): Set<string> {
    const { outbox, changes, drafts } = this.#messages;
    const entries = [...outbox.getState(), ...[...changes.getState().values()].flat()];
    const places = [...drafts.places(), ...this.#uploads.state.getState().map(({ place }) => place)];
    return new Set([...entries.map((entry) => entry.conversationId), ...places.map(conversationOf)]);
  }

  #keepNames(entries: readonly OutboxEntry[]): void {
    for (const { conversationId } of entries) this.#keepName(conversationId);
  }

  /** Keeps the name of a conversation in which the reader has written, while it is known. */
  #keepName(id: string): void {
    const name = own(this.#core.now.conversations, id)?.name;
    if (name !== undefined) this.#names.keep(id, name);
  }

  /** Keeps what the reader has written where they are a member again, and says so. */
  #keepWhereBack(): void {
    const { conversations, leftBehind } = this.#core.now;
    const left = leftBehind.filter(({ conversationId }) => own(conversations, conversationId) === undefined);
    const back = leftBehind.find((each) => !left.includes(each));
    if (back === undefined) return;
    const text = texts.leftBehind.isBack(own(conversations, back.conversationId)?.name ?? back.name);
    this.#core.state.setState({ leftBehind: left, toast: { text, isNews: true }, announcement: text });
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
