import { texts } from "../../texts";
import { lazyPart } from "../page/lazy_part";
import { narrow, useMedia } from "../page/use_media";
import type { SidebarDialog } from "./sidebar_dialogs";

const StartCards = lazyPart(() => import("./start_cards"), "place");

/** An empty list. What a new user can do first is beside it, or in its place where it fills the screen. */
export function EmptyList({ onOpen }: { onOpen: (dialog: SidebarDialog) => void }) {
  const isNarrow = useMedia(narrow);
  return (
    <div className="conversations">
      {isNarrow ? <StartCards onOpen={onOpen} /> : <p className="note none-yet">{texts.noConversations}</p>}
    </div>
  );
}
