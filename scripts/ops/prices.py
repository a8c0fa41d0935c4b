"""AWS's list prices in dollars, without free tiers. They were written down by hand, not fetched:
look at them again where a sum matters to you.
"""

REGION = "us-east-1"
AS_OF = "the first half of 2026"

GATEWAY_REQUEST = 3.50e-6  # REST API
LAMBDA_REQUEST = 0.20e-6
LAMBDA_GB_SECOND = {"x86_64": 16.6667e-6, "arm64": 13.3334e-6}
WRITE_UNIT = 0.625e-6  # on demand
READ_UNIT = 0.125e-6
GB_MONTH = 0.25  # the table and its indexes
RECOVERABLE_GB_MONTH = 0.20  # point-in-time recovery, of the table without its indexes
STREAM_READ = 0.0  # Lambda's own reads of a stream are free
SNS_REQUEST = 0.50e-6  # of up to 64 KB, a batch's messages together; to queues and functions free
SQS_REQUEST = 0.40e-6
LOG_GB = 0.50
LOG_GB_MONTH = 0.03  # kept, compressed
METRIC_MONTH = 0.30
ALARM_MONTH = 0.10
DASHBOARD_MONTH = 3.00
