"""Actions: everything that the audit trail tells of."""

from enum import StrEnum


class Action(StrEnum):
    """What somebody did; the name of the operation in the HTTP API, where it is one. Stored: never renamed."""

    SUBMIT_EXPERIMENT = "submit_experiment"
    START_STUDY = "start_study"
    CANCEL_EXPERIMENT = "cancel_experiment"
    PAUSE_EXPERIMENT = "pause_experiment"
    RESUME_EXPERIMENT = "resume_experiment"
    RETRY_EXPERIMENT = "retry_experiment"
    EXTEND_EXPERIMENT = "extend_experiment"
    DELETE_EXPERIMENT = "delete_experiment"
    PROBE_CHECKPOINT = "probe_checkpoint"
    PROBE_EXPERIMENT = "probe_experiment"
    UPLOAD_DATASET = "upload_dataset"
    DELETE_DATASET = "delete_dataset"
    IMPORT_CHECKPOINT = "import_checkpoint"
    CREATE_KEY = "create_key"
    REVOKE_KEY = "revoke_key"
    ABOLISH_KEYS = "abolish_keys"
    LOG_IN = "log_in"
    LOG_OUT = "log_out"
    PUT_RETENTION_RULE = "put_retention_rule"
    REMOVE_RETENTION_RULE = "remove_retention_rule"
    DROP_WEIGHTS = "drop_weights"
    MEND = "mend"
    RESTORE = "restore"
    REFUSED = "refused"
