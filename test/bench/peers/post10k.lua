wrk.method = "POST"
wrk.body = string.rep("p", 10240)
wrk.headers["Content-Type"] = "application/octet-stream"
