import { lazy, Suspense } from "react";
import { goTo } from "../page_address";

const NewConversation = lazy(() => import("./new_conversation"));
const BrowsePublic = lazy(() => import("./browse_public"));
const Settings = lazy(() => import("../settings/settings"));

/** A dialog that the sidebar opens. `section`: the section of the settings to open. */
export type SidebarDialog =
  | { readonly kind: "new" }
  | { readonly kind: "browse" }
  | { readonly kind: "settings"; readonly section?: string };

export function SidebarDialogs({ dialog, onClose }: { dialog: SidebarDialog | null; onClose: () => void }) {
  const open = (id: string): void => {
    onClose();
    goTo(id);
  };
  return (
    <Suspense>
      {dialog?.kind === "new" && <NewConversation onClose={onClose} onOpen={open} />}
      {dialog?.kind === "browse" && <BrowsePublic onClose={onClose} onOpen={open} />}
      {dialog?.kind === "settings" && <Settings section={dialog.section} onClose={onClose} />}
    </Suspense>
  );
}
