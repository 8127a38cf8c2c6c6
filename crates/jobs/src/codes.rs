//! The error codes of jobs and webhooks.

http_kit::error_codes! {
    Objects {
        JOB_NOT_FOUND = 404 "job_not_found":
            "no such job, or it was removed after its retention" => "check the id, tenant and environment";
        WEBHOOK_NOT_FOUND = 404 "webhook_not_found": "no such webhook" => "`GET /webhooks`";
    }
    Jobs {
        JOB_FINISHED = 409 "job_finished": "the job has ended and cannot be cancelled" => "read the job";
        JOB_NOT_FAILED = 409 "job_not_failed":
            "only failed and cancelled jobs can be retried" => "send the call again";
        JOB_WITHOUT_RESULT = 409 "job_without_result": "the job has not succeeded" => "read the job";
        JOB_CANCELLED = 409 "job_cancelled":
            "the job that runs this call was cancelled" => "send it again";
        WORKER_LOST = 500 "worker_lost":
            "three workers in a row died while running the job" => "report it with the request";
        TOO_MANY_WEBHOOKS = 409 "too_many_webhooks": "the owner already has 20 webhooks" => "delete one";
        TOO_MANY_JOBS = 429 "too_many_jobs":
            "10 000 jobs of the tenant are waiting" => "retry after `Retry-After`";
    }
}
