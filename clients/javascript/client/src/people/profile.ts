/** The reader's own account: profile, password, signed-in devices and data. */

import type { ChatPart, Core } from "../core.ts";
import { uploadPicture } from "../files/pictures.ts";
import type { Rights, SignedInDevice, SignedInDevicePage, User } from "../server/payloads.ts";

export interface ProfileChanges {
  readonly name?: string;
  /** Null removes it. */
  readonly avatar?: string | null;
  readonly text?: string | null;
  readonly handle?: string | null;
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
      const { rest, state } = this.#core;
      const [user, rights] = await Promise.all([rest.get<User>("users/me"), rest.get<Rights>("users/me/rights")]);
      this.#put(user);
      state.setState({ rights });
    };
    // The connection was lost; the next one loads it.
    load().catch(() => undefined);
  }

  /** No event says that the reader's rights have changed. */
  caughtUp(): void {
    const load = async (): Promise<void> => {
      this.#core.state.setState({ rights: await this.#core.rest.get<Rights>("users/me/rights") });
    };
    // As above.
    load().catch(() => undefined);
  }

  /** Whether the reader's devices sign in on this server. */
  get isAccount(): boolean {
    return this.#core.rest.session?.accessToken !== undefined;
  }

  /** Whether the reader has signed in with an e-mail address and a password. */
  get hasPassword(): boolean {
    return this.isAccount && this.#core.rest.session?.byProvider !== true;
  }

  /** Updates the profile. This method and those below reject with `RequestError`. */
  async update(changes: ProfileChanges): Promise<void> {
    this.#put(await this.#core.rest.patch<User>("users/me", changes));
  }

  /** Uploads a picture and uses its thumbnail as the avatar. */
  async setPicture(file: File): Promise<void> {
    await this.update({ avatar: await uploadPicture(this.#core.rest, file) });
  }

  async changePassword(currentPassword: string, newPassword: string): Promise<void> {
    await this.#core.rest.post("auth/password", { currentPassword, newPassword });
  }

  async devices(): Promise<SignedInDevice[]> {
    const { items } = await this.#core.rest.get<SignedInDevicePage>("users/me/sessions");
    return items;
  }

  async signOut({ id }: SignedInDevice): Promise<void> {
    await this.#core.rest.delete(`users/me/sessions/${encodeURIComponent(id)}`);
  }

  /** Deletes the reader for good. An account needs its password. */
  async deleteAccount(password?: string): Promise<void> {
    await this.#core.rest.delete("users/me", password === undefined ? undefined : { password });
  }

  #put(user: User): void {
    // A page that starts offline shows this user.
    this.#core.rest.rememberUser(user);
    this.#core.state.setState({ me: user });
  }
}
