import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { PeopleList } from "./people_list";

interface Props {
  onClose: () => void;
  onOpen: (conversationId: string) => void;
}

/** All people whom the reader may find. */
export default function PeopleDirectory({ onClose, onOpen }: Props) {
  return (
    <Dialog title={texts.people.all} onClose={onClose} className="large">
      <PeopleList onOpen={onOpen} />
    </Dialog>
  );
}
