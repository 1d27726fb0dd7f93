/** The reader's own account: how others see it, its password, and where it is signed in. */

import type { Rights, SignedInDevice, SignedInDevicePage, UploadedFile, User } from "../../server/payloads";
import type { ChatPart, Core } from "../core";

export interface ProfileChanges {
  readonly name?: string;
  /** Null takes it away. */
  readonly avatar?: string | null;
  readonly text?: string | null;
}

export class Profile implements ChatPart {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
    core.on("user:updated", (user) => {
      if (user.id === core.now.me.id) this.#put(user);
    });
  }

  loaded(): void {
    const load = async (): Promise<void> => {
      const { api, state } = this.#core;
      const [user, rights] = await Promise.all([api.get<User>("users/me"), api.get<Rights>("users/me/rights")]);
      this.#put(user);
      state.setState({ rights });
    };
    // The connection went: when it is back, this begins anew.
    load().catch(() => undefined);
  }

  /** Whether it was made here, with an address and a password. */
  get isAccount(): boolean {
    return this.#core.api.session?.accessToken !== undefined;
  }

  /** Rejects with `RequestError`, as all below. */
  async update(changes: ProfileChanges): Promise<void> {
    this.#put(await this.#core.api.patch<User>("users/me", changes));
  }

  /** Others see a small picture of what was uploaded. */
  async setPicture(file: File): Promise<void> {
    const form = new FormData();
    form.append("file", file);
    const { url, thumbnailUrl } = await this.#core.api.upload<UploadedFile>(form);
    await this.update({ avatar: thumbnailUrl ?? url });
  }

  async changePassword(currentPassword: string, newPassword: string): Promise<void> {
    await this.#core.api.post("auth/password", { currentPassword, newPassword });
  }

  async devices(): Promise<SignedInDevice[]> {
    const { items } = await this.#core.api.get<SignedInDevicePage>("users/me/sessions");
    return items;
  }

  async signOut({ id }: SignedInDevice): Promise<void> {
    await this.#core.api.delete(`users/me/sessions/${encodeURIComponent(id)}`);
  }

  #put(user: User): void {
    // A page that begins without a connection shows who is signed in.
    this.#core.api.rememberUser(user);
    this.#core.state.setState({ me: user });
  }
}
