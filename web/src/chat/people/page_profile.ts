import { Profile } from "@talkwire/client/parts";
import { download } from "../../server/download";
import type { PageCore } from "../page_core";

/** The reader's own account, with what a page does beside. */
export class PageProfile extends Profile {
  readonly #page: PageCore;

  constructor(core: PageCore) {
    super(core);
    this.#page = core;
  }

  /** Downloads everything that the server has stored of the reader. Rejects with `RequestError`. */
  async exportData(): Promise<void> {
    const { api, now } = this.#page;
    download(await api.exportUrl(`api/v1/users/${encodeURIComponent(now.me.id)}/export`), "talkwire-export.zip");
  }
}
