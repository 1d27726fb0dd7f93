/** The reader's own account: profile, password, signed-in devices and data. */

import { download } from "../../server/download";
import type { Rights, SignedInDevice, SignedInDevicePage, UploadedFile, User } from "../../server/payloads";
import type { ChatPart, Core } from "../core";

export interface ProfileChanges {
  readonly name?: string;
  /** Null removes it. */
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
    // The connection was lost; the next one loads it.
    load().catch(() => undefined);
  }

  /** Whether the reader has signed in with an e-mail address and a password. */
  get isAccount(): boolean {
    return this.#core.api.session?.accessToken !== undefined;
  }

  /** Updates the profile. This method and those below reject with `RequestError`. */
  async update(changes: ProfileChanges): Promise<void> {
    this.#put(await this.#core.api.patch<User>("users/me", changes));
  }

  /** Uploads a picture and uses its thumbnail as the avatar. */
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

  /** Downloads everything that the server has stored of the reader. */
  async exportData(): Promise<void> {
    const { api, now } = this.#core;
    await download(api, `api/v1/users/${encodeURIComponent(now.me.id)}/export`, "talkwire-export.zip");
  }

  /** Deletes the reader for good. An account needs its password. */
  async deleteAccount(password?: string): Promise<void> {
    await this.#core.api.delete("users/me", password === undefined ? undefined : { password });
  }

  #put(user: User): void {
    // A page that starts offline shows this user.
    this.#core.api.rememberUser(user);
    this.#core.state.setState({ me: user });
  }
}
