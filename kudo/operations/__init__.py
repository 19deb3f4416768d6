"""The operations of users on Instances, each one transaction over Kubernetes and Temporal.

Every operation is a function over a `Session`. It checks the request first, changes nothing if the request is refused,
returns a typed result, and prints nothing. The command line, tests and benchmarks call these functions.

    install, update, upgrade,
    rollback                     check -> write the resources and the pending plan -> start the plan
                                 (if the plan cannot be started, the write is undone)
    trigger, retry, resume       check -> start a plan
    uninstall                    cancel -> run the cleanup plans -> delete
    preview                      the objects of a plan, without writing any
"""
