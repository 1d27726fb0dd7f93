import { RequestError } from "@talkwire/client";
import { Api } from "../server/api";

/** The codes with which the server says that nobody is signed in any more. */
const ENDED: readonly string[] = ["unauthenticated", "banned", "erased"];

/** The REST API for the console. It notices when the session ends. */
export class AdminApi extends Api {
  onEnd: (reason: string) => void = () => undefined;

  override async logout(): Promise<boolean> {
    const { session } = this;
    // A token of the command line or of an application belongs to no session that the server could end.
    if (session?.byToken !== true) return super.logout();
    this.forget(session.user.id);
    return true;
  }

  protected override async send<T>(...request: Parameters<Api["send"]>): Promise<T> {
    try {
      return await super.send<T>(...request);
    } catch (error) {
      const session = request[2];
      // A token that is only tried is of nobody who is signed in.
      const isOver = session !== null && session.user.id === this.session?.user.id;
      if (isOver && error instanceof RequestError && ENDED.includes(error.code)) {
        this.forget(session.user.id);
        this.onEnd(error.message);
      }
      throw error;
    }
  }
}
