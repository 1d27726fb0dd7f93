import { lazyPart } from "../page/lazy_part";
import { goTo } from "../page/page_address";

const NewConversation = lazyPart(() => import("./new_conversation"));
const BrowsePublic = lazyPart(() => import("./browse_public"));
const PeopleDirectory = lazyPart(() => import("../people/people_directory"));
const SavedMessages = lazyPart(() => import("./saved_messages"));
const StatusDialog = lazyPart(() => import("../settings/status_dialog"));
const Settings = lazyPart(() => import("../settings/settings"));

/** A dialog that the sidebar opens. `wanted`: what to create at once; `section`: that of the settings. */
export type SidebarDialog =
  | { readonly kind: "new"; readonly wanted?: "group" | "channel" }
  | { readonly kind: "browse" }
  | { readonly kind: "people" }
  | { readonly kind: "saved" }
  | { readonly kind: "settings"; readonly section?: string }
  | { readonly kind: "status" };

export function SidebarDialogs({ dialog, onClose }: { dialog: SidebarDialog | null; onClose: () => void }) {
  const open = (id: string): void => {
    onClose();
    goTo(id);
  };
  return (
    <>
      {dialog?.kind === "new" && <NewConversation wanted={dialog.wanted} onClose={onClose} onOpen={open} />}
      {dialog?.kind === "browse" && <BrowsePublic onClose={onClose} onOpen={open} />}
      {dialog?.kind === "people" && <PeopleDirectory onClose={onClose} onOpen={open} />}
      {dialog?.kind === "saved" && <SavedMessages onClose={onClose} />}
      {dialog?.kind === "settings" && <Settings section={dialog.section} onClose={onClose} />}
      {dialog?.kind === "status" && <StatusDialog onClose={onClose} />}
    </>
  );
}
