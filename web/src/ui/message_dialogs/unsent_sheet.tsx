import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import type { MenuAction } from "../components/menu_action";
import { SheetActions } from "./sheet_actions";
import "./action_sheet.css";

/** What can be done with a message that is not sent yet, at the lower edge of a touch screen. */
export default function UnsentSheet({ actions, onClose }: { actions: readonly MenuAction[]; onClose: () => void }) {
  return (
    <Dialog title={texts.actions} onClose={onClose} isSheet>
      <SheetActions actions={actions} onClose={onClose} />
    </Dialog>
  );
}
