"""Files: deployments as YAML or JSON, plans as JSON, batches as .npz."""

from ._errors import FileError as FileError
from ._example import example_deployment as example_deployment
from ._files import load as load
from ._files import load_with_doubts as load_with_doubts
from ._files import save as save
from ._one_writer import only_writer as only_writer
from ._paths import check_readable as check_readable
from ._paths import check_writable as check_writable
from ._work_folder import MANIFEST as MANIFEST
from ._work_folder import WorkFolder as WorkFolder
from ._work_folder import inputs_of as inputs_of
from ._write import check_destination as check_destination
from ._write import make_folder as make_folder
from ._write import write_file as write_file
