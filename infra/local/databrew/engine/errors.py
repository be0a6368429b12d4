"""What the engine refuses, in AWS's form: an error code of the API and a message."""


class StepRefused(Exception):
    """A recipe step that can't be done: a wrong parameter, an unknown action or column.

    Parameters
    ----------
    message : what is wrong, for the caller of the API or for DescribeJobRun.ErrorMessage.
    code : the API's error code.
    """

    def __init__(self, message: str, code: str = "ValidationException"):
        super().__init__(message)
        self.code = code
        self.message = message


class DataRefused(Exception):
    """Data that can't be read: files gone, empty, broken, or of another format than the dataset says."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message
