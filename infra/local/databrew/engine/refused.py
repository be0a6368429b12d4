"""Actions of the guide that the local AWS does not do: the guide's page, and why not."""

_KEYS = "it needs keys of AWS Secrets Manager or AWS KMS"
_LANGUAGE = "it needs a language model of AWS's own"
_PHONE = "it needs the numbering plans of all countries"
_SESSION = "it asks a console session, not the data"

REFUSED: dict[str, tuple[str, str]] = {
    "DECRYPT": ("recipe-actions.DECRYPT", _KEYS),
    "DETERMINISTIC_DECRYPT": ("recipe-actions.DETERMINISTIC_DECRYPT", _KEYS),
    "DETERMINISTIC_ENCRYPT": ("recipe-actions.DETERMINISTIC_ENCRYPT", _KEYS),
    "ENCRYPT": ("recipe-actions.ENCRYPT", _KEYS),
    "TOKENIZATION": ("recipe-actions.TOKENIZATION", _LANGUAGE),
    "FORMAT_PHONE_NUMBER": ("recipe-actions.FORMAT_PHONE_NUMBER", _PHONE),
    "GET_ADVANCED_DATATYPE": ("recipe-actions.GET_ADVANCED_DATATYPE", _SESSION),
    "GET_ACTION_RESULT": ("recipe-actions.GET_ACTION_RESULT", _SESSION),
    "GET_STEP_DATAFRAME": ("recipe-actions.GET_STEP_DATAFRAME", _SESSION),
}
